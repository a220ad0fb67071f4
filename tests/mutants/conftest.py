"""The compiler, which takes a second to load."""

import pytest

from mutants.compiler import Solc


@pytest.fixture(scope="session")
def solc() -> Solc:
    """A compiler for whoever wants one."""
    return Solc()
