"""All node types there are: flowrun's own and those of plugins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Self

from flowrun.domain.node_type import NodeKind
from flowrun.errors import ConfigurationError
from flowrun.nodes.base import BaseNodeType

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

        Raises `ConfigurationError` for a plugin that can't be loaded, is no node type, or takes a name twice.
        """
        from importlib.metadata import entry_points  # noqa: PLC0415 - slow to import, and used once

        for entry in entry_points(group=ENTRY_POINT_GROUP):
            try:
                found = entry.load()
            except Exception as error:
                raise ConfigurationError(
                    f"the node type plugin {entry.name!r} ({entry.value}) can't be loaded: "
                    f"{type(error).__name__}: {error}"
                ) from error
            self.add(_instance(f"{entry.name!r} ({entry.value})", found))
        return self


def builtin_types() -> NodeRegistry:
    """Make a registry of flowrun's own node types."""
    from flowrun.nodes.types import BUILTIN_TYPES  # noqa: PLC0415 - building the models takes a while

    return NodeRegistry(cls() for cls in BUILTIN_TYPES)


def _instance(origin: str, found: object) -> BaseNodeType:
    if not isinstance(found, type) or not issubclass(found, BaseNodeType):
        raise ConfigurationError(
            f"the node type plugin {origin} must be a subclass of {BaseNodeType.__module__}.BaseNodeType, not {found!r}"
        )
    missing = [name for name in ("name", "kind") if not hasattr(found, name)]
    if missing:
        raise ConfigurationError(f"the node type plugin {origin} lacks {' and '.join(missing)}")
    try:
        return found()
    except Exception as error:
        raise ConfigurationError(
            f"the node type plugin {origin} can't be created: {type(error).__name__}: {error}"
        ) from error


def _origin(node_type: BaseNodeType) -> str:
    cls = type(node_type)
    return f"{cls.__module__}.{cls.__qualname__}"
