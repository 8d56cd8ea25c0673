"""Every message there is has one handler."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import pytest

from flowrun import commands, queries
from flowrun.bus import Command, Message, Query, Scope
from flowrun.commands import COMMANDS
from flowrun.queries import QUERIES


def messages_of(package, base):
    found = set()
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        classes = inspect.getmembers(module, inspect.isclass)
        found |= {cls for _, cls in classes if issubclass(cls, base) and cls.__module__ == module.__name__}
    return found


@pytest.mark.parametrize(("package", "base", "catalogue"), [(commands, Command, COMMANDS), (queries, Query, QUERIES)])
def test_the_catalogue_is_complete(package, base, catalogue):
    concrete = {cls for cls in messages_of(package, base) if cls.__name__ != "ExecutionCommand"}
    assert concrete == set(catalogue)


@pytest.mark.parametrize("message", [*COMMANDS, *QUERIES], ids=lambda message: message.__name__)
def test_every_message_says_who_may_send_it(message):
    assert issubclass(message, Message)
    assert isinstance(message.scope, Scope)
    names = {name for cls in message.__mro__ for name in getattr(cls, "__annotations__", {})}
    assert message.operator_only or "tenant_id" in names
