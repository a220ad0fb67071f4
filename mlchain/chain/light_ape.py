"""Ape without pandas, which it imports for tables that nobody here asks for: 30 MB and half a second of a program."""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


def import_ape() -> None:
    """Import what of Ape imports pandas, with a stand-in that imports pandas when a table is made."""
    if "pandas" in sys.modules:
        return
    stand_in: Any = ModuleType("pandas")
    stand_in.DataFrame = _table
    sys.modules["pandas"] = stand_in
    try:
        import ape.managers.chain  # noqa: F401 (here: it has to find the stand-in)
    finally:
        del sys.modules["pandas"]


def _table(*arguments: Any, **options: Any) -> Any:
    return import_module("pandas").DataFrame(*arguments, **options)  # which is installed because Ape needs it
