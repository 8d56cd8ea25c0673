"""Reads the test cases of a workflow document (`tests:`), collecting everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum

from flowrun.domain.definition import MAIN_PORT, NodeDefinition, WorkflowDefinition
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.domain.node_type import Failed, NodeType, NodeTypes
from flowrun.domain.states import NodeStatus
from flowrun.formats.case_nodes import CaseNodes
from flowrun.formats.cases import FILTERED, START, Case, CaseSignal, CasesRead, Expectation, MockedAttempt, split_label
from flowrun.formats.fields import Fields, Problems, join_path

MOST_CASES = 1000
_TRIGGER_KEYS = ("body", "headers", "query", "path", "method", "event", "scheduled_at")
_CASE_KEYS = ("name", "trigger", "input", *_TRIGGER_KEYS, "vars", "secrets", "now", "mocks", "signals", "expect")
_ENDS = ("output", "error", "response")
_NODE_KEYS = ("status", "input", "params", "output", "error", "attempts", "skip_reason")


class _CaseStatus(StrEnum):
    """How a case can end: nobody cancels or pauses in it."""

    COMPLETED = "completed"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    WAITING = "waiting"
    FILTERED = FILTERED


def read_cases(document: JsonObject, definition: WorkflowDefinition, types: NodeTypes) -> CasesRead:
    """Read the cases of a document whose definition could be read; never raises."""
    problems = Problems()
    place, written = "tests", document.get("tests")
    inner = document.get("workflow")
    if written is None and isinstance(inner, dict):
        place, written = "workflow.tests", inner.get("tests")
    if written is None:
        return CasesRead((), ())
    if not isinstance(written, list):
        problems.add(place, "must be a list of test cases")
        return CasesRead((), tuple(problems.issues))
    if len(written) > MOST_CASES:
        problems.add(place, f"has {len(written):,} entries; at most {MOST_CASES:,} are possible")
        return CasesRead((), tuple(problems.issues))
    reader = _Reader(definition, types, problems)
    cases = [reader.case(value, f"{place}[{number}]", number) for number, value in enumerate(written)]
    return CasesRead(tuple(case for case in cases if case is not None), tuple(problems.issues))


class _Reader:
    """Reads cases, knowing the workflow that they are about."""

    def __init__(self, definition: WorkflowDefinition, types: NodeTypes, problems: Problems) -> None:
        self._known_variables = definition.variables
        self._problems = problems
        self._nodes = CaseNodes(definition, types, problems)
        self._names: dict[str, str] = {}

    def case(self, value: JsonValue, path: str, number: int) -> Case | None:
        """The case at `path`."""
        fields = self._object(value, path)
        if fields is None:
            return None
        fields.check_keys(_CASE_KEYS)
        name = fields.text("name").strip() or f"case {number + 1}"
        if name in self._names:
            fields.complain("name", f"is the name of {self._names[name]} too")
        self._names.setdefault(name, path)
        now = _moment(fields, "now")
        return Case(
            name=name,
            path=path,
            trigger=self._nodes.trigger(fields),
            data=_trigger_data(fields),
            variables=self._variables(fields),
            secrets=_texts(fields, "secrets"),
            now=START if now is None else now,
            mocks=self._mocks(fields),
            signals=tuple(self._signals(fields)),
            expect=self._expectation(fields),
        )

    def _object(self, value: JsonValue, path: str) -> Fields | None:
        if isinstance(value, dict):
            return Fields(value, path, self._problems)
        self._problems.add(path, "must be an object (a mapping of keys to values)")
        return None

    def _items(self, fields: Fields, key: str) -> Iterator[Fields]:
        """The objects of a list."""
        value, path = fields.get(key), fields.path_of(key)
        if value is not None and not isinstance(value, list):
            self._problems.add(path, "must be a list")
        for number, one in enumerate(value if isinstance(value, list) else []):
            found = self._object(one, f"{path}[{number}]")
            if found is not None:
                yield found

    def _variables(self, fields: Fields) -> JsonObject:
        values = fields.mapping("vars") or {}
        for name in values:
            if name not in self._known_variables:
                hint = self._problems.spelling.closest(name, self._known_variables)
                self._problems.add(join_path(fields.path_of("vars"), name), "is no variable of the workflow", hint)
        return values

    # --- what stands in for the world

    def _mocks(self, fields: Fields) -> dict[str, tuple[MockedAttempt, ...]]:
        found, base = {}, fields.path_of("mocks")
        for label, value in (fields.mapping("mocks") or {}).items():
            path = join_path(base, label)
            mocked = self._nodes.mocked(label, path)
            if mocked is None:
                continue
            if value == []:
                self._problems.add(path, "must have at least one attempt")
            attempts = value if isinstance(value, list) else [value]
            places = [f"{path}[{number}]" for number in range(len(attempts))] if isinstance(value, list) else [path]
            found[label] = tuple(
                self._attempt(one, place, *mocked) for one, place in zip(attempts, places, strict=True)
            )
        return found

    def _attempt(self, value: JsonValue, path: str, node: NodeDefinition, kind: NodeType) -> MockedAttempt:
        fields = self._object(value, path)
        if fields is None:
            return MockedAttempt()
        fields.check_keys(("output", "error", "after", "ports"))
        failed = self._failure(fields)
        if ("output" in fields.names) is (fields.has("error")):
            self._problems.add(path, "needs an output or an error, one of them")
        known = {*kind.ports(node.params), MAIN_PORT}
        ports = fields.texts("ports") or (MAIN_PORT,)
        for port in ports:
            if port not in known:
                hint = self._problems.spelling.closest(port, known)
                fields.complain("ports", f"{node.id} has no port {port!r} that an output leaves by", hint)
        return MockedAttempt(fields.get("output"), failed, ports, fields.duration("after") or 0.0)

    @staticmethod
    def _failure(fields: Fields) -> Failed | None:
        error = fields.nested("error")
        if error is None:
            return None
        error.check_keys(("type", "message", "retryable", "details", "retry_after"))
        kind = error.text("type")
        if not kind and not error.has("type"):
            error.complain("type", "is required: the type of the error, such as connection_error")
        return Failed(
            kind,
            error.text("message") or f"{kind} (mocked)",
            retryable=error.flag("retryable", default=False),
            details=error.get("details"),
            retry_after=error.duration("retry_after"),
        )

    def _signals(self, fields: Fields) -> Iterator[CaseSignal]:
        for signal in self._items(fields, "signals"):
            signal.check_keys(("node", "name", "data", "after", "at", "by"))
            self._nodes.check_signal(signal)
            if signal.has("after") and signal.has("at"):
                signal.complain("at", "counts from the start, and after from the wait: write one of them")
            node, iteration = split_label(signal.identifier("node"))
            yield CaseSignal(
                data=signal.get("data"),
                node=node or None,
                iteration=iteration,
                name=signal.text("name") or None,
                after=signal.duration("after") or 0.0,
                at=signal.duration("at"),
                by=signal.text("by") or None,
            )

    # --- what is expected

    def _expectation(self, fields: Fields) -> Expectation:
        expect = fields.nested("expect")
        if expect is None:
            return Expectation({"status": _CaseStatus.COMPLETED.value}, {})
        expect.check_keys(("status", *_ENDS, "nodes", "path", "took"))
        ends = _written(expect, _ENDS)
        # Who expects an error need not say which of the two states it leads to.
        status = expect.choice("status", _CaseStatus) or (None if "error" in ends else _CaseStatus.COMPLETED)
        execution: JsonObject = ends if status is None else {"status": status.value, **ends}
        path = expect.texts("path") if expect.has("path") else None
        for number, node_id in enumerate(path or ()):
            self._nodes.node(node_id, f"{expect.path_of('path')}[{number}]")
        return Expectation(execution, dict(self._node_expectations(expect)), path, expect.duration("took"))

    def _node_expectations(self, expect: Fields) -> Iterator[tuple[str, JsonObject]]:
        base = expect.path_of("nodes")
        for label, value in (expect.mapping("nodes") or {}).items():
            path = join_path(base, label)
            self._nodes.run(label, path)
            fields = self._object(value, path)
            if fields is None:
                continue
            fields.check_keys(_NODE_KEYS)
            status = fields.choice("status", NodeStatus)
            yield label, _written(fields, _NODE_KEYS) | ({} if status is None else {"status": status.value})


def _written(fields: Fields, keys: Sequence[str]) -> JsonObject:
    """Those of the keys that are there: null, too, can be expected."""
    return {key: fields.get(key) for key in keys if key in fields.names}


def _trigger_data(fields: Fields) -> JsonObject:
    data = _written(fields, _TRIGGER_KEYS)
    if "input" in fields.names:
        if "body" in data:
            fields.complain("input", "is the trigger's body by another name: write one of them")
        data["body"] = fields.get("input")
    for key in ("headers", "query", "path", "event"):
        fields.mapping(key)
    fields.text("method")
    if "scheduled_at" in data:
        data["scheduled_at"] = _moment(fields, "scheduled_at")
    return {key: value for key, value in data.items() if value is not None}


def _texts(fields: Fields, key: str) -> dict[str, str]:
    """A mapping from names to texts."""
    values = fields.mapping(key) or {}
    for name, value in values.items():
        if not isinstance(value, str):
            fields.problems.add(join_path(fields.path_of(key), name), "must be a text")
    return {name: value for name, value in values.items() if isinstance(value, str)}


def _moment(fields: Fields, key: str) -> int | None:
    """A time in ms since the epoch."""
    text = fields.text(key)
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        fields.complain(key, "must be a time with its zone, such as 2026-01-31T12:00:00Z")
        return None
    return round(moment.timestamp() * 1000)
