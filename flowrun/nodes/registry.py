"""All node types there are: flowrun's own and those of plugins."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Self

from flowrun.domain.node_type import NodeKind
from flowrun.errors import ConfigurationError
from flowrun.nodes.base import BaseNodeType

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

_log = logging.getLogger(__name__)

WORKERS = ("webhook", "agent", "response", "scheduler")
ENTRY_POINT_GROUP = "flowrun.nodes"


class NodeRegistry:
    """Node types by name."""

    def __init__(self, types: Iterable[BaseNodeType] = ()) -> None:
        self._types: dict[str, BaseNodeType] = {}
        for node_type in types:
            self.add(node_type)

    def __iter__(self) -> Iterator[BaseNodeType]:
        return iter(self._types[name] for name in self.names())

    def __contains__(self, name: object) -> bool:
        return name in self._types

    def get(self, name: str) -> BaseNodeType | None:
        """Return the type of that name, or None."""
        return self._types.get(name)

    def names(self) -> Sequence[str]:
        """Every name, sorted."""
        return sorted(self._types)

    def add(self, node_type: BaseNodeType) -> None:
        """Add a type. Raises `ConfigurationError` when the name is taken, or it asks for a worker that isn't there."""
        present = self._types.get(node_type.name)
        if present is not None:
            raise ConfigurationError(
                f"two node types are named {node_type.name!r}: {_origin(present)} and {_origin(node_type)}"
            )
        if node_type.kind is NodeKind.WORKER and node_type.worker not in WORKERS:
            raise ConfigurationError(
                f"the node type {node_type.name!r} asks for a worker {node_type.worker!r}; "
                f"there are {', '.join(WORKERS)}"
            )
        self._types[node_type.name] = node_type

    def with_plugins(self) -> Self:
        """Add every class that an installed package offers in the entry point group `flowrun.nodes`.

        A plugin that can't be loaded, is no node type, or wants a name that is taken is left out, with a warning
        that names its package: the others, and the workflows that don't use it, have no part in its fault.
        """
        from importlib.metadata import entry_points  # noqa: PLC0415 - slow to import, and used once

        # In the same order everywhere: of two that want one name, the same one has it after every start.
        for entry in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda entry: (entry.name, entry.value)):
            try:
                self.add(_loaded(entry))
            except ConfigurationError as error:
                _log.warning("The node type plugin %r of %s is left out: %s", entry.name, _package(entry), error)
        return self


def builtin_types() -> NodeRegistry:
    """Make a registry of flowrun's own node types."""
    from flowrun.nodes.types import BUILTIN_TYPES  # noqa: PLC0415 - building the models takes a while

    return NodeRegistry(cls() for cls in BUILTIN_TYPES)


def _loaded(entry: EntryPoint) -> BaseNodeType:
    """Make the one instance of a plugin's class; raises `ConfigurationError`."""
    try:
        found = entry.load()
    except Exception as error:
        raise ConfigurationError(f"{entry.value} can't be loaded: {type(error).__name__}: {error}") from error
    if not isinstance(found, type) or not issubclass(found, BaseNodeType):
        raise ConfigurationError(f"{entry.value} is {found!r}, not a subclass of EngineNodeType or WorkerNodeType")
    missing = [name for name in ("name", "kind") if not hasattr(found, name)]
    missing += [name for name in ("run", "decide", "plan") if _is_left_open(found, name)]
    if missing:
        raise ConfigurationError(f"{entry.value} lacks {' and '.join(missing)}")
    try:
        return found()
    except Exception as error:
        raise ConfigurationError(f"{entry.value} can't be created: {type(error).__name__}: {error}") from error


def _is_left_open(found: type[BaseNodeType], method: str) -> bool:
    return getattr(getattr(found, method, None), "__isabstractmethod__", False)


def _package(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else "a package that can't be told"


def _origin(node_type: BaseNodeType) -> str:
    cls = type(node_type)
    return f"{cls.__module__}.{cls.__qualname__}"
