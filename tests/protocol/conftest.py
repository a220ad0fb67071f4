"""The libraries on the chain, to hold their twins against."""

import pytest
from ape import project


@pytest.fixture(scope="module")
def libraries(server):
    """The contract that exposes the libraries' functions."""
    return server.deploy(project.LibraryHarness)
