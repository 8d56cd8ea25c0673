"""Reads a workflow document of any accepted shape into a definition, collecting everything that is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from flowrun.domain.definition import NodeDefinition, WorkflowDefinition
from flowrun.domain.json import JsonValue
from flowrun.errors import Issue
from flowrun.formats.dialect import EDITOR, Dialect, detect
from flowrun.formats.edges import EdgeReader, read_ends, with_ids
from flowrun.formats.fields import Fields, Problems, join_path
from flowrun.formats.header import HEADER_KEYS, Header
from flowrun.formats.limits import MAX_EDGES, MAX_NODES
from flowrun.formats.nodes import NodeReader

_GRAPH_KEYS = ("nodes", "edges")
_IGNORED = frozenset(
    {
        "version", "created_at", "updated_at", "published_at", "archived_at", "created_by", "updated_by",
        "tenant_id", "metadata", "tests", "viewport", "$schema",
    }
)  # fmt: skip
_DERIVED = frozenset({"forest", "paths", "execution"})


@dataclass(frozen=True, slots=True)
class ReadResult:
    """What a document says. The definition is None when its nodes could not be read at all."""

    definition: WorkflowDefinition | None
    issues: tuple[Issue, ...]


def read_workflow(document: JsonValue, *, default_id: str | None = None) -> ReadResult:
    """Read a document of any accepted shape; never raises.

    The id is the document's, else `default_id` (the file's stem, the id in a URL), else made from the name.
    """
    problems = Problems()
    definition = _read(document, default_id, problems)
    return ReadResult(definition, tuple(problems.issues))


def _read(document: JsonValue, default_id: str | None, problems: Problems) -> WorkflowDefinition | None:
    if not isinstance(document, dict):
        problems.add("", "must be an object (a mapping of keys to values)")
        return None
    outer = Fields(document, "", problems)
    wrapped = document.get("workflow")
    if isinstance(wrapped, dict) and "nodes" not in document:
        outer.check_keys((*HEADER_KEYS, "workflow"), _IGNORED)
        inner, values = Fields(wrapped, "workflow", problems), wrapped
    else:
        inner, values = outer, document
    dialect = detect(values)
    inner.check_keys((*HEADER_KEYS, *_GRAPH_KEYS), _IGNORED | (_DERIVED if dialect is EDITOR else frozenset()))
    header = Header(outer, inner).read(default_id)
    return _Graph(inner, dialect, problems).read_into(header)


class _Graph:
    """The nodes and edges of one document."""

    def __init__(self, fields: Fields, dialect: Dialect, problems: Problems) -> None:
        self._fields = fields
        self._dialect = dialect
        self._problems = problems

    def read_into(self, header: WorkflowDefinition) -> WorkflowDefinition | None:
        if not self._fields.has("nodes"):
            self._fields.complain("nodes", "is required: a list of nodes (or an object of nodes by id)")
        if not (self._holds("nodes", MAX_NODES) and self._holds("edges", MAX_EDGES)):
            return None
        nodes = self._nodes()
        reader = EdgeReader(self._dialect, {node.id: node.type for node in nodes}, self._problems)
        read = (reader.read(value, path, key) for path, key, value in self._items("edges"))
        edges = with_ids([edge for edge in read if edge is not None])
        return replace(header, nodes=tuple(nodes), edges=edges)

    def _nodes(self) -> list[NodeDefinition]:
        # Where edges lead is asked before the nodes are read, since a channel with no edge to it is a trigger.
        # What is wrong with the edges is noted when they are read in their turn.
        quiet = Problems()
        ends = (read_ends(value, path, key, quiet) for path, key, value in self._items("edges"))
        targets = frozenset(end.target for end in ends if end is not None)
        reader = NodeReader(self._dialect, targets, self._problems)
        read = (reader.read(value, path, key) for path, key, value in self._items("nodes"))
        return [node for node in read if node is not None]

    def _holds(self, key: str, limit: int) -> bool:
        value = self._fields.get(key)
        if value is None:
            return key == "edges"
        if not isinstance(value, (list, dict)):
            self._fields.complain(key, f"must be a list of {key} (or an object of {key} by id)")
            return False
        if len(value) > limit:
            self._fields.complain(key, f"has {len(value):,} entries; at most {limit:,} are possible")
            return False
        return True

    def _items(self, key: str) -> Iterator[tuple[str, str | None, JsonValue]]:
        """The path, the key in a mapping, and the value of each entry."""
        value, path = self._fields.get(key), self._fields.path_of(key)
        if isinstance(value, dict):
            yield from ((join_path(path, item_key), item_key, item) for item_key, item in value.items())
        elif isinstance(value, list):
            yield from ((f"{path}[{index}]", None, item) for index, item in enumerate(value))
