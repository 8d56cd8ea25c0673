"""A definition as a document of our own schema, and a document as YAML or JSON text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import orjson
import yaml

from flowrun.domain.definition import (
    Concurrency,
    EdgeDefinition,
    Join,
    NodeDefinition,
    RetryPolicy,
    WorkflowDefinition,
    WorkflowStatus,
)
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.errors import MalformedError
from flowrun.formats.duration import format_duration
from flowrun.formats.edges import derived_ids
from flowrun.formats.yaml_text import resolve

_DEFAULT_RETRY = RetryPolicy()


def to_document(definition: WorkflowDefinition) -> JsonObject:
    """The definition in our own schema, whatever shape it came in: defaults left out, durations as text.

    Reading it back gives an equal definition. The params are not copied.
    """
    document: JsonObject = {"id": definition.id}
    if definition.name != definition.id:
        document["name"] = definition.name
    if definition.status is not WorkflowStatus.PUBLISHED:
        document["status"] = definition.status.value
    if definition.description:
        document["description"] = definition.description
    if definition.tags:
        document["tags"] = list(definition.tags)
    if definition.on_error is not None:
        document["on_error"] = definition.on_error
    if definition.timeout is not None:
        document["timeout"] = format_duration(definition.timeout)
    if definition.concurrency is not None:
        document["concurrency"] = _concurrency(definition.concurrency)
    if definition.variables:
        document["variables"] = definition.variables
    document["nodes"] = [_node(node) for node in definition.nodes]
    document["edges"] = _edges(definition.edges)
    return document


def _node(node: NodeDefinition) -> JsonObject:
    document: JsonObject = {"id": node.id, "type": node.type}
    if node.name:
        document["name"] = node.name
    if node.disabled:
        document["disabled"] = True
    if node.params:
        document["params"] = node.params
    if node.join is not Join.ALL:
        document["join"] = node.join.value
    if node.on_error is not None:
        document["on_error"] = node.on_error.value
    if node.retry is not None:
        document["retry"] = _retry(node.retry)
    if node.timeout is not None:
        document["timeout"] = format_duration(node.timeout)
    if not node.retry_on_interrupt:
        document["retry_on_interrupt"] = False
    if node.position is not None:
        document["position"] = node.position
    return document


def _retry(policy: RetryPolicy) -> JsonObject:
    document: JsonObject = {}
    if policy.max_attempts != _DEFAULT_RETRY.max_attempts:
        document["max_attempts"] = policy.max_attempts
    if policy.initial_interval != _DEFAULT_RETRY.initial_interval:
        document["initial_interval"] = format_duration(policy.initial_interval)
    if policy.backoff != _DEFAULT_RETRY.backoff:
        document["backoff"] = "fixed" if policy.backoff == 1 else policy.backoff
    if policy.max_interval != _DEFAULT_RETRY.max_interval:
        document["max_interval"] = format_duration(policy.max_interval)
    if policy.jitter != _DEFAULT_RETRY.jitter:
        document["jitter"] = policy.jitter
    if policy.non_retryable:
        document["non_retryable"] = list(policy.non_retryable)
    return document


def _concurrency(concurrency: Concurrency) -> JsonObject:
    document: JsonObject = {} if concurrency.limit is None else {"limit": concurrency.limit}
    if concurrency.at_limit != "queue":
        document["at_limit"] = concurrency.at_limit
    if concurrency.key is not None:
        document["key"] = concurrency.key
    if concurrency.nodes is not None:
        document["nodes"] = concurrency.nodes
    return document


def _edges(edges: Sequence[EdgeDefinition]) -> list[JsonValue]:
    shown = _ids_to_write(edges)
    return [_edge(edge, with_id=with_id) for edge, with_id in zip(edges, shown, strict=True)]


def _edge(edge: EdgeDefinition, *, with_id: bool) -> JsonObject:
    document: JsonObject = {"id": edge.id} if with_id else {}
    document["source"] = edge.source
    document["target"] = edge.target
    if edge.source_handle is not None:
        document["source_handle"] = edge.source_handle
    if edge.condition is not None:
        document["condition"] = edge.condition
    return document


def _ids_to_write(edges: Sequence[EdgeDefinition]) -> list[bool]:
    """Which edges need their ids written: those that the reader would not give the same id by itself."""
    write = [False] * len(edges)
    # An id that has to be written can change what the reader makes of the others, so look again.
    for _ in range(3):
        unnamed = [edge if written else replace(edge, id="") for edge, written in zip(edges, write, strict=True)]
        derived = derived_ids(unnamed, {edge.id for edge in unnamed})
        needed = [had or edge.id != own for had, edge, own in zip(write, edges, derived, strict=True)]
        if needed == write:
            return write
        write = needed
    return [True] * len(edges)


def to_json(document: JsonValue) -> str:
    """JSON text, indented, keys in the order of the document, with a line end."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def to_yaml(document: JsonValue) -> str:
    """YAML text in block style, keys in the order of the document, texts of several lines as `|` blocks."""
    text: str = yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=110
    )
    return text


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes what our reader reads: no aliases, and quotes wherever YAML 1.1 or 1.2 would see no text."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=_style(text))


def _style(text: str) -> str | None:
    if "\n" in text and text.strip() and all(line.isprintable() and line == line.rstrip() for line in text.split("\n")):
        return "|"
    if not text.isprintable():
        return '"'
    try:
        return None if isinstance(resolve(text), str) else '"'
    except MalformedError:
        return '"'


_Dumper.add_representer(str, _represent_text)
