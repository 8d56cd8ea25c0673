"""The base of all node types: params described by a model, and the engine's protocol answered from it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

from pydantic import BaseModel, ValidationError
from pydantic.alias_generators import to_camel

from flowrun.domain.definition import MAIN_PORT, NodeDefinition, RetryPolicy
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.domain.node_type import (
    DONE_PORT,
    EACH_PORT,
    Completed,
    Failed,
    LoopPlan,
    NodeContext,
    NodeKind,
    Outcome,
    Waiting,
)
from flowrun.errors import InvalidInputError, Issue
from flowrun.nodes.job import NodeJob, Services
from flowrun.nodes.output import bounded
from flowrun.nodes.params import ParamsModel, exclusive_issues, nested_models, validation_issues, written_schema

ONE_ATTEMPT = RetryPolicy(max_attempts=1)


class BaseNodeType:
    """A node type. The docstring of a subclass is what its users read; one instance serves all nodes."""

    name: ClassVar[str]
    kind: ClassVar[NodeKind]
    worker: ClassVar[str] = ""
    needs_input: ClassVar[bool] = False
    awaits_signal: ClassVar[bool] = False
    calls_workflows: ClassVar[bool] = False
    default_timeout: ClassVar[float] = 60.0
    default_retry: ClassVar[RetryPolicy] = RetryPolicy()
    expression_params: ClassVar[frozenset[str]] = frozenset()
    deferred_params: ClassVar[frozenset[str]] = frozenset()
    repeats: ClassVar[bool] = False
    literal_params: ClassVar[frozenset[str]] = frozenset()
    """Top-level params that cannot hold `{{ }}`, because they shape the graph."""
    example: ClassVar[Mapping[str, Any]] = {}
    """Params that show what the type is for; they validate."""
    Params: ClassVar[type[ParamsModel]] = ParamsModel

    def __init__(self) -> None:
        self._validator = self.Params.__pydantic_validator__
        fields = self.Params.model_fields
        self._nested = tuple(name for name, field in fields.items() if nested_models(field.annotation))
        self._renamed = tuple(pair for pair in self.Params.names().items() if pair[0] != pair[1])

    @property
    def summary(self) -> str:
        """What the type does, in one sentence."""
        return self.help.split("\n\n")[0].replace("\n", " ")

    @cached_property
    def help(self) -> str:
        """What the type does, in full (Markdown)."""
        import inspect  # noqa: PLC0415 - only documentation asks

        return inspect.getdoc(type(self)) or ""

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the params, as they are written."""
        return written_schema(self.Params)

    def ports(self, params: Mapping[str, JsonValue]) -> tuple[str, ...]:  # noqa: ARG002
        """Return the output ports that edges may name, beside `error`, given the params as written."""
        return (MAIN_PORT,)

    def pass_on(self, value: JsonValue, sources: int) -> Outcome:
        """Complete with the input; that of several parents together may be beyond the limits."""
        return bounded(Completed(value)) if sources > 1 else Completed(value)

    def issues(self, node: NodeDefinition) -> Sequence[Issue]:
        """Return everything wrong with the params as written.

        What holds an expression is judged when it has a value, by `check`.
        """
        raw = node.params
        found = [
            *exclusive_issues(self.Params, raw),
            *self._empty_expressions(raw),
            *self._computed_literals(raw),
        ]
        said = {issue.path for issue in found}
        try:
            self._validator.validate_python(raw)
        except ValidationError as error:
            for issue, value in validation_issues(self.Params, raw, error):
                if issue.path not in said and not self._is_decided_later(issue, value):
                    found.append(issue)
        return found

    def check(self, params: JsonObject) -> JsonObject:
        """Return the resolved params with defaults filled in, durations in seconds, names in snake_case.

        Raises `InvalidInputError` with every issue when they don't fit.
        """
        try:
            checked: JsonObject = self._validator.validate_python(params).__dict__
        except ValidationError as error:
            raise _invalid([issue for issue, _ in validation_issues(self.Params, params, error)]) from None
        if self.Params.exactly_one and (exclusive := exclusive_issues(self.Params, params)):
            raise _invalid(exclusive)
        for name in self._nested:
            checked[name] = _plain(checked[name])
        for name, written in self._renamed:
            checked[written] = checked.pop(name)
        return checked

    def run_in_engine(self, context: NodeContext) -> Outcome:
        """Run a node of kind `ENGINE`."""
        raise NotImplementedError(f"node type {self.name!r} is not run by the engine")

    def plan(self, params: JsonObject) -> LoopPlan:
        """Plan a node of kind `LOOP`."""
        raise NotImplementedError(f"node type {self.name!r} is no loop")

    def finish(self, output: JsonValue) -> Outcome:
        """End a node of kind `LOOP`."""
        raise NotImplementedError(f"node type {self.name!r} is no loop")

    def _is_decided_later(self, issue: Issue, value: object) -> bool:
        if self.kind is NodeKind.TRIGGER or _top_level(issue.path) in self.literal_params:
            return False
        is_expression = isinstance(value, str) and _pattern(issue.path) in self.expression_params
        return is_expression or contains_template(value)

    def _empty_expressions(self, raw: JsonObject) -> list[Issue]:
        return [
            Issue(path, "must be an expression, not empty")
            for pattern in sorted(self.expression_params)
            for path, value in _values_at(raw, pattern.split("."))
            if value is None or (isinstance(value, str) and not value.strip())
        ]

    def _computed_literals(self, raw: JsonObject) -> list[Issue]:
        return [
            Issue(path, "must be written out: edges refer to it, so it can't be computed")
            for name in sorted(self.literal_params)
            for path, value in _values_at(raw, [name])
            if contains_template(value)
        ]


class EngineNodeType(BaseNodeType):
    """A node type that the coordinator runs itself: pure and quick."""

    kind = NodeKind.ENGINE
    default_retry = ONE_ATTEMPT

    def run_in_engine(self, context: NodeContext) -> Outcome:
        """Answer from the context alone; an output beyond the limits is a failure."""
        outcome = self.decide(context)
        if len(context.sources) > 1 and isinstance(outcome, Waiting):
            fits = bounded(Completed(outcome.output))
            return fits if isinstance(fits, Failed) else outcome
        if len(context.sources) < 2 and isinstance(outcome, Completed) and outcome.output is context.input:
            return outcome  # It was within the limits when it came in; several outputs together may not be.
        return bounded(outcome)

    @abstractmethod
    def decide(self, context: NodeContext) -> Outcome:
        """What the type does: pure, no input or output."""


class LoopNodeType(BaseNodeType):
    """A node type that runs what its `each` port leads to, again and again."""

    kind = NodeKind.LOOP
    default_retry = ONE_ATTEMPT

    def ports(self, params: Mapping[str, JsonValue]) -> tuple[str, ...]:  # noqa: ARG002
        """Return `each`, `done`, and `main` as another name of `done`."""
        return (EACH_PORT, DONE_PORT, MAIN_PORT)

    @abstractmethod
    def plan(self, params: JsonObject) -> LoopPlan:
        """What is to be done, as far as it is known."""

    def finish(self, output: JsonValue) -> Outcome:
        """Complete with the outputs, if they are within the limits."""
        return bounded(Completed(output, (DONE_PORT, MAIN_PORT)))


class TriggerNodeType(BaseNodeType):
    """A node type that stands for what starts an execution; its params are never computed by the engine."""

    kind = NodeKind.TRIGGER
    default_retry = ONE_ATTEMPT


class WorkerNodeType(BaseNodeType):
    """A node type that a worker runs."""

    kind = NodeKind.WORKER

    @abstractmethod
    async def run(self, job: NodeJob, services: Services) -> Outcome:
        """Run one attempt. Cancellation of the task is how the worker is told to stop."""


def contains_template(value: object) -> bool:
    """Tell whether a text anywhere in the value is a template, which `{{` makes it."""
    if isinstance(value, str):
        return "{{" in value
    if isinstance(value, dict):
        return any(contains_template(part) for part in value.values())
    return isinstance(value, list) and any(contains_template(part) for part in value)


def _plain(value: object) -> Any:  # noqa: ANN401 - JSON in, JSON out
    if isinstance(value, BaseModel):
        return {name.rstrip("_"): _plain(part) for name, part in value.__dict__.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return value


def _invalid(issues: Sequence[Issue]) -> InvalidInputError:
    return InvalidInputError("; ".join(str(issue) for issue in issues), issues)


def _top_level(path: str) -> str:
    return path.partition(".")[0].partition("[")[0]


def _pattern(path: str) -> str:
    """Return the path without its list indices: `conditions[1].id` is `conditions[].id`."""
    head, *rest = path.split("[")
    return head + "".join("[" + part[part.index("]") :] for part in rest)


def _values_at(raw: object, keys: Sequence[str], path: str = "") -> list[tuple[str, object]]:
    """Every value that a path pattern such as `conditions[].expression` names, with its path."""
    if not keys:
        return [(path, raw)]
    if not isinstance(raw, dict):
        return []
    key = keys[0].removesuffix("[]")
    key, is_list = (key if key in raw else to_camel(key)), key != keys[0]
    if key not in raw:
        return []
    here = f"{path}.{key}" if path else key
    if not is_list:
        return _values_at(raw[key], keys[1:], here)
    items = raw[key] if isinstance(raw[key], list) else []
    return [hit for i, item in enumerate(items) for hit in _values_at(item, keys[1:], f"{here}[{i}]")]
