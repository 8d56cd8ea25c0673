"""The registry, and plugins in it."""

from __future__ import annotations

import importlib.metadata
from importlib.metadata import EntryPoint

import pytest

from flowrun.domain.node_type import Completed
from flowrun.errors import ConfigurationError
from flowrun.nodes.base import EngineNodeType, WorkerNodeType
from flowrun.nodes.registry import NodeRegistry, builtin_types
from flowrun.nodes.types.noop import Noop


class Shout(EngineNodeType):
    """Says it louder."""

    name = "shout"

    def decide(self, context):
        return Completed(str(context.input).upper())


class Nameless(EngineNodeType):
    """Has no name."""


class Idle(WorkerNodeType):
    """Does nothing."""

    name = "idle"
    worker = "webhook"


class Louder(Shout):
    """Says it louder still."""


class Unmakable(Shout):
    """Needs an argument."""

    def __init__(self, what):  # noqa: ARG002
        super().__init__()


not_a_type = "text"


@pytest.fixture
def plugins(monkeypatch):
    def install(**values):
        entries = [EntryPoint(name, value, "flowrun.nodes") for name, value in values.items()]
        monkeypatch.setattr(
            importlib.metadata, "entry_points", lambda group: entries if group == "flowrun.nodes" else []
        )

    return install


def test_a_plugin_is_a_type_like_others(plugins):
    plugins(shout=f"{__name__}:Shout")
    registry = builtin_types().with_plugins()
    assert "shout" in registry
    assert registry.names() == sorted([*builtin_types().names(), "shout"])
    assert registry.get("shout").summary == "Says it louder."


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("no_such_module_anywhere:X", "can't be loaded: ModuleNotFoundError"),
        (f"{__name__}:Missing", "can't be loaded: AttributeError"),
        (f"{__name__}:not_a_type", "is 'text', not a subclass of EngineNodeType or WorkerNodeType"),
        (f"{__name__}:Nameless", "lacks name and decide"),
        (f"{__name__}:Idle", "lacks run"),
        (f"{__name__}:Unmakable", "can't be created: TypeError"),
        ("flowrun.nodes.types.noop:Noop", "two node types are named 'noop'"),
    ],
)
def test_a_broken_plugin_is_told_and_left_out(plugins, caplog, value, said):
    plugins(broken=value, shout=f"{__name__}:Shout")
    registry = builtin_types().with_plugins()
    assert registry.names() == sorted([*builtin_types().names(), "shout"])
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "The node type plugin 'broken' of a package that can't be told is left out: " in record.getMessage()
    assert said in record.getMessage()


def test_of_two_plugins_that_want_one_name_the_first_has_it(plugins, caplog):
    plugins(b=f"{__name__}:Unmakable", a=f"{__name__}:Shout", c=f"{__name__}:Louder")
    assert type(builtin_types().with_plugins().get("shout")) is Shout
    assert [record.getMessage().split("'")[1] for record in caplog.records] == ["b", "c"]


def test_a_name_is_taken_once():
    registry = NodeRegistry([Noop()])
    with pytest.raises(ConfigurationError, match=r"flowrun\.nodes\.types\.noop\.Noop and flowrun"):
        registry.add(Noop())


def test_a_type_that_asks_for_an_unknown_worker_is_refused() -> None:
    class Lost(WorkerNodeType):
        """A type of nobody."""

        name = "lost"
        worker = "nobody"

        async def run(self, job, services):
            """Never runs."""

    with pytest.raises(ConfigurationError, match="asks for a worker 'nobody'; there are webhook, agent"):
        builtin_types().add(Lost())
