"""Reads the edges of a workflow document."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from flowrun.domain.definition import ERROR_PORT, MAIN_PORT, EdgeDefinition
from flowrun.domain.json import JsonValue
from flowrun.formats.dialect import Dialect
from flowrun.formats.fields import Fields, Problems

_KEYS = (
    "id", "source", "target", "source_handle", "port", "target_handle", "condition", "type", "from", "to", "label",
    "data",
)  # fmt: skip
_NORMAL = frozenset({"success", "default", "normal"})
_FAILURE = frozenset({"failure", "error"})
_ARROW = re.compile(r"\s*([^\s>]+?)\s*->\s*([^\s>]+)\s*")
_PORTS_BY_LABEL: dict[str, frozenset[str] | None] = {
    # None: any label is a port.
    "decision": None,
    "if": None,
    "switch": None,
    "for_each": frozenset({"each", "done"}),
    "loop": frozenset({"each", "done"}),
    "wait_for_signal": frozenset({"timeout", "approved", "rejected"}),
}


@dataclass(frozen=True, slots=True)
class RawEdge:
    """An edge with its ends known and all else unread."""

    source: str
    target: str
    id: str
    path: str
    fields: Fields | None
    """None for an edge written `a -> b`."""


def read_ends(value: JsonValue, path: str, key: str | None, problems: Problems) -> RawEdge | None:
    """The ends of one edge, or None (and an issue) when it has none; `key` is its id in a mapping."""
    if isinstance(value, str):
        arrow = _ARROW.fullmatch(value) if len(value) <= 300 else None
        if arrow is None:
            problems.add(path, 'must be an object with source and target, or a text such as "a -> b"')
            return None
        return RawEdge(arrow[1], arrow[2], key or "", path, None)
    if not isinstance(value, dict):
        problems.add(path, "must be an object with source and target")
        return None
    fields = Fields(value, path, problems)
    source, target = _end(fields, "source", "from"), _end(fields, "target", "to")
    if not source or not target:
        return None
    return RawEdge(source, target, _id(fields, key), path, fields)


def _id(fields: Fields, key: str | None) -> str:
    written = fields.identifier("id")
    if key is not None and written and written != key:
        fields.complain("id", f"differs from the edge's key {key!r}: leave the id out, or write the same")
    if len(written) > 300:
        fields.complain("id", "must have 300 characters or fewer")
    return key or written


def _end(fields: Fields, name: str, alias: str) -> str:
    if fields.has(name) and fields.has(alias):
        fields.complain(alias, f"is read like {name!r}: write one of them")
    key = name if fields.has(name) or not fields.has(alias) else alias
    if not fields.has(key):
        fields.complain(name, "is required: the id of a node")
    elif fields.get(key) == "":
        fields.complain(key, "must not be empty: write the id of a node")
    return fields.identifier(key)


class EdgeReader:
    """Reads edges one by one. An edge without both ends is left out."""

    def __init__(self, dialect: Dialect, types: Mapping[str, str], problems: Problems) -> None:
        self._dialect = dialect
        self._types = types
        """The node type of each node id."""
        self._problems = problems

    def read(self, value: JsonValue, path: str, key: str | None) -> EdgeDefinition | None:
        """The edge at `path`, its id still empty when none was written; `key` is its id in a mapping."""
        raw = read_ends(value, path, key, self._problems)
        return None if raw is None else self._read(raw)

    def _read(self, raw: RawEdge) -> EdgeDefinition:
        fields = raw.fields
        if fields is None:
            return EdgeDefinition(raw.id, raw.source, raw.target, path=raw.path)
        fields.check_keys(_KEYS, self._dialect.ignored)
        data = fields.nested("data")
        if data is not None:
            data.check_keys(("condition", "label"), self._dialect.ignored)
        return EdgeDefinition(
            raw.id,
            raw.source,
            raw.target,
            source_handle=self._port(fields, raw.source),
            condition=_condition(fields, data),
            path=raw.path,
        )

    def _port(self, fields: Fields, source: str) -> str | None:
        if fields.has("source_handle") and fields.has("port"):
            fields.complain("port", "is read like 'source_handle': write one of them")
        port = fields.identifier("source_handle" if fields.has("source_handle") else "port") or None
        if self._is_failure(fields):
            if port not in {None, ERROR_PORT}:
                fields.complain("source_handle", f"is {port!r}, but the edge's type says the error port: write one")
            return ERROR_PORT
        if port is None and self._dialect.label_is_port:
            port = self._port_from_label(fields, source)
        elif fields.has("label") and not self._dialect.label_is_port and not self._dialect.drawn_edges:
            fields.complain("label", "is not a known key; remove it", "source_handle")
        return None if port == MAIN_PORT else port

    def _port_from_label(self, fields: Fields, source: str) -> str | None:
        label, type_ = fields.text("label"), self._types.get(source, "")
        if not label or type_ not in _PORTS_BY_LABEL:
            return None
        ports = _PORTS_BY_LABEL[type_]
        return label if ports is None or label in ports else None

    def _is_failure(self, fields: Fields) -> bool:
        kind = fields.get("type")
        if kind is None or (isinstance(kind, str) and kind in _NORMAL):
            return False
        if isinstance(kind, str) and kind in _FAILURE:
            return True
        if not (self._dialect.drawn_edges and isinstance(kind, str)):
            hint = (
                self._problems.spelling.closest(kind, ("success", "failure", "default"))
                if isinstance(kind, str)
                else None
            )
            fields.complain("type", "must be success, failure or default", hint)
        return False


def _condition(fields: Fields, data: Fields | None) -> str | None:
    holder = data if data is not None and data.has("condition") else fields
    if holder is not fields and fields.has("condition"):
        holder.complain("condition", "is a second condition for one edge: write one of them")
    condition = holder.text("condition")
    return condition if condition.strip() else None


def with_ids(edges: Sequence[EdgeDefinition]) -> tuple[EdgeDefinition, ...]:
    """The edges with ids for those that have none: `source->target`, `:port` after it, `#2` for a second one."""
    ids = derived_ids(edges, {edge.id for edge in edges})
    return tuple(edge if edge.id else replace(edge, id=derived) for edge, derived in zip(edges, ids, strict=True))


def derived_ids(edges: Iterable[EdgeDefinition], taken: Iterable[str]) -> list[str]:
    """The id of each edge that has none, in order; empty for the others."""
    used = set(taken)
    count: Counter[str] = Counter()
    derived = []
    for edge in edges:
        if edge.id:
            derived.append("")
            continue
        port = f":{edge.source_handle}" if edge.source_handle else ""
        base = candidate = f"{edge.source}->{edge.target}{port}"
        while candidate in used:
            count[base] += 1
            candidate = f"{base}#{count[base] + 1}"
        used.add(candidate)
        derived.append(candidate)
    return derived
