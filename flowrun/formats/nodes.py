"""Reads the nodes of a workflow document."""

from __future__ import annotations

import re
from dataclasses import dataclass

from flowrun.domain.definition import Join, NodeDefinition, OnError
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.formats.dialect import Dialect
from flowrun.formats.editor_names import translate
from flowrun.formats.fields import Fields, Problems, join_path
from flowrun.formats.retry import read_retry

NODE_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}", re.ASCII)
_PARAMS_KEYS = ("params", "config", "data")
_KEYS = (
    "id", "type", "name", *_PARAMS_KEYS, "join", "on_error", "retry", "retry_policy", "timeout",
    "retry_on_interrupt", "disabled", "position",
)  # fmt: skip
_SUGGESTED = tuple(key for key in _KEYS if key not in {"config", "data", "retry_policy"})


@dataclass(frozen=True, slots=True)
class _Params:
    value: JsonObject
    path: str
    key: str


class NodeReader:
    """Reads nodes one by one. A node without an id or that is no object can't be referred to, and is left out."""

    def __init__(self, dialect: Dialect, targets: frozenset[str], problems: Problems) -> None:
        self._dialect = dialect
        self._targets = targets
        """The ids that edges lead to: some of the editor's types are triggers only when nothing leads to them."""
        self._problems = problems

    def read(self, value: JsonValue, path: str, key: str | None) -> NodeDefinition | None:
        """The node at `path`; `key` is its id when nodes are written as a mapping."""
        if not isinstance(value, dict):
            self._problems.add(path, "must be an object with an id and a type")
            return None
        fields = Fields(value, path, self._problems)
        fields.check_keys(_KEYS, self._dialect.ignored)
        node_id = self._id(fields, key)
        if not node_id:
            return None
        params = self._params(fields)
        name = self._name(fields, params)
        type_, translated = translate(fields.text("type"), params.value, is_target=node_id in self._targets)
        if not type_ and not fields.has("type"):
            fields.complain("type", "is required: name the node's type")
        return NodeDefinition(
            id=node_id,
            type=type_,
            name=name,
            params=translated,
            join=fields.choice("join", Join) or Join.ALL,
            on_error=fields.choice("on_error", OnError),
            retry=read_retry(fields, self._retry_policy_in(params)),
            timeout=fields.duration("timeout"),
            retry_on_interrupt=fields.flag("retry_on_interrupt", default=True),
            disabled=fields.flag("disabled", default=False),
            position=fields.mapping("position"),
            path=path,
            params_path=params.path,
        )

    def _id(self, fields: Fields, key: str | None) -> str:
        written = fields.identifier("id")
        if key is not None and written and written != key:
            fields.complain("id", f"differs from the node's key {key!r}: leave the id out, or write the same")
        node_id = key if key is not None else written
        if not node_id and fields.get("id") in (None, ""):
            fields.complain("id", "is required: edges refer to it")
        elif node_id and not NODE_ID.fullmatch(node_id):
            path = fields.path_of("id") if key is None else fields.path
            self._problems.add(path, "must be 1 to 64 letters, digits or _ . : - to be an id")
        return node_id

    def _params(self, fields: Fields) -> _Params:
        present = [key for key in _PARAMS_KEYS if fields.has(key)]
        if len(present) > 1:
            fields.complain(present[1], f"is read like {present[0]!r}: write one of them")
        key = present[0] if present else "params"
        value = fields.mapping(key)
        return _Params(dict(value) if value else {}, fields.path_of(key), key)

    def _name(self, fields: Fields, params: _Params) -> str:
        name = fields.text("name")
        if not self._dialect.label_is_name or params.key != "data":
            return name
        label = params.value.pop("label", None)
        if label is not None and not isinstance(label, str):
            self._problems.add(join_path(params.path, "label"), "must be a text")
            return name
        return name or label or ""

    def _retry_policy_in(self, params: _Params) -> Fields | None:
        """The retry policy that the editors keep among the params."""
        if params.key == "params":
            return None
        inner = Fields(params.value, params.path, Problems())
        if not isinstance(inner.get("retry_policy"), dict):
            return None
        policy = Fields(params.value, params.path, self._problems).nested("retry_policy")
        for key in ("retryPolicy", "retry_policy"):
            params.value.pop(key, None)
        return policy
