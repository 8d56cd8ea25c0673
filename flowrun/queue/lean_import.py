"""Importing a library without another one that it names and never uses here."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType


class _Absent(ModuleType):
    """Stands for a module while others are imported that name what is in it."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Absent(f"{self.__name__}.{name}")


def import_without(unused: str, library: str) -> None:
    """Import `library` while `unused` is absent; whoever imports that afterwards gets the real one.

    Where the library doesn't bear it, it is imported as usual.
    """
    if unused in sys.modules or library in sys.modules:
        return
    sys.modules[unused] = _Absent(unused)
    try:
        importlib.import_module(library)
    except (ImportError, AttributeError, TypeError):
        for name in [name for name in sys.modules if name.partition(".")[0] == library]:
            del sys.modules[name]
    finally:
        del sys.modules[unused]
    importlib.import_module(library)
