"""Reads what a workflow document says about the workflow as a whole."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum

from flowrun.domain.definition import Concurrency, WorkflowDefinition, WorkflowStatus
from flowrun.formats.fields import Fields

HEADER_KEYS = ("id", "name", "status", "description", "tags", "on_error", "timeout", "concurrency", "variables")
WORKFLOW_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)
_ID_RULE = "must be 1 to 64 lower-case letters, digits, - or _, and begin with a letter or digit"


class _WrittenStatus(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    ARCHIVED = "archived"
    ACTIVE = "active"
    INACTIVE = "inactive"


class _AtLimit(StrEnum):
    QUEUE = "queue"
    REJECT = "reject"
    CANCEL_OLDEST = "cancel_oldest"


_STATUS = {
    None: WorkflowStatus.PUBLISHED,
    _WrittenStatus.DRAFT: WorkflowStatus.DRAFT,
    _WrittenStatus.INACTIVE: WorkflowStatus.DRAFT,
    _WrittenStatus.PUBLISHED: WorkflowStatus.PUBLISHED,
    _WrittenStatus.ACTIVE: WorkflowStatus.PUBLISHED,
    _WrittenStatus.ARCHIVED: WorkflowStatus.ARCHIVED,
}


class Header:
    """The keys of a workflow, which may stand beside its nodes or around them (`{name, workflow: {nodes}}`)."""

    def __init__(self, outer: Fields, inner: Fields) -> None:
        self._outer = outer
        self._inner = inner

    def read(self, default_id: str | None) -> WorkflowDefinition:
        """The workflow with no nodes and edges as yet; its id is empty (and an issue) when there is none."""
        name = self._of("name").text("name").strip()
        workflow_id = self._id(name, default_id)
        return WorkflowDefinition(
            id=workflow_id,
            name=name or workflow_id,
            nodes=(),
            edges=(),
            description=self._of("description").text("description"),
            status=_STATUS[self._of("status").choice("status", _WrittenStatus)],
            tags=self._tags(),
            on_error=_workflow_id(self._of("on_error"), "on_error"),
            timeout=self._of("timeout").duration("timeout"),
            concurrency=_concurrency(self._of("concurrency")),
            variables=dict(self._of("variables").mapping("variables") or {}),
        )

    def _of(self, key: str) -> Fields:
        return self._inner if self._inner.has(key) and not self._outer.has(key) else self._outer

    def _id(self, name: str, default_id: str | None) -> str:
        fields = self._of("id")
        if fields.has("id"):
            return _workflow_id(fields, "id") or ""
        derived = slug(default_id or "") or slug(name)
        if not derived:
            fields.complain("id", "is required: give the workflow an id or a name")
        return derived

    def _tags(self) -> tuple[str, ...]:
        fields = self._of("tags")
        metadata = self._of("metadata")
        if not fields.has("tags") and isinstance(metadata.get("metadata"), dict):
            within = metadata.nested("metadata")
            return within.texts("tags") if within is not None else ()
        return fields.texts("tags")


def slug(text: str) -> str:
    """A workflow id made of a text: `Pedido nº 1` becomes `pedido-no-1`; empty when nothing is left."""
    ascii_text = unicodedata.normalize("NFKD", text[:1000]).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9_]+", "-", ascii_text).strip("-_")[:64].rstrip("-_")


def _workflow_id(fields: Fields, key: str) -> str | None:
    value = fields.identifier(key)
    if fields.has(key) and not WORKFLOW_ID.fullmatch(value):
        hint = slug(value)
        if isinstance(fields.get(key), str):
            fields.complain(key, _ID_RULE, hint or None)
    return value or None


def _concurrency(fields: Fields) -> Concurrency | None:
    value = fields.get("concurrency")
    if isinstance(value, int) and not isinstance(value, bool):
        return Concurrency(value)
    within = fields.nested("concurrency")
    if within is None:
        return None
    within.check_keys(("limit", "at_limit", "key", "nodes"))
    if not within.has("limit") and not within.has("nodes"):
        within.complain("limit", "is required: how many executions may run at once")
    at_limit = within.choice("at_limit", _AtLimit) or _AtLimit.QUEUE
    key = within.text("key")
    limit, nodes = (within.whole_number(name, 1) if within.has(name) else None for name in ("limit", "nodes"))
    return Concurrency(limit, at_limit.value, key if key.strip() else None, nodes)
