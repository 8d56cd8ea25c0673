"""The commands that change one running execution: one fact each, told to the engine."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from flowrun.bus import Command, Principal, Scope
from flowrun.domain import facts as f
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.errors import InvalidInputError, Issue
from flowrun.ports import Context

LONGEST_REASON = 1_000
"""Characters: every list of executions shows the reasons."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionCommand(Command[JsonObject]):
    """Something that is asked of one execution; `{execution_id, status}`."""

    scope: ClassVar[Scope] = Scope.RUN
    tenant_id: str
    execution_id: str

    @abstractmethod
    def fact(self, by: str) -> f.Fact:
        """What the engine is told."""


def check_reason(reason: str | None) -> None:
    """Raise `InvalidInputError` for a reason that is too long."""
    if reason is not None and len(reason) > LONGEST_REASON:
        issue = Issue("reason", f"must have {LONGEST_REASON:,} characters or fewer")
        raise InvalidInputError("The command is not valid", [issue])


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseExecution(ExecutionCommand):
    """Start no new node; running ones finish."""

    reason: str | None = None

    def check(self) -> None:
        """Refuse a reason that is too long."""
        check_reason(self.reason)

    def fact(self, by: str) -> f.Fact:
        """What the engine is told."""
        return f.Pause(by, self.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeExecution(ExecutionCommand):
    """Start nodes again after a pause."""

    def fact(self, by: str) -> f.Fact:
        """What the engine is told."""
        return f.Resume(by)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelExecution(ExecutionCommand):
    """Stop, and let running workers stop by themselves."""

    reason: str | None = None

    def check(self) -> None:
        """Refuse a reason that is too long."""
        check_reason(self.reason)

    def fact(self, by: str) -> f.Fact:
        """What the engine is told."""
        return f.Cancel(by, self.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminateExecution(ExecutionCommand):
    """Stop at once."""

    reason: str | None = None

    def check(self) -> None:
        """Refuse a reason that is too long."""
        check_reason(self.reason)

    def fact(self, by: str) -> f.Fact:
        """What the engine is told."""
        return f.Terminate(by, self.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryExecution(ExecutionCommand):
    """Let failed nodes, and what they stopped, run again; completed ones keep their results."""

    def fact(self, by: str) -> f.Fact:
        """What the engine is told."""
        return f.Retry(by)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalExecution(ExecutionCommand):
    """Answer the node that waits for a signal of that name, or the node of that id."""

    name: str | None = None
    node_id: str | None = None
    iteration: str = ""
    data: JsonValue = None

    def check(self) -> None:
        """Refuse what names no node, or two."""
        if (self.name is None) is (self.node_id is None):
            raise InvalidInputError("The command is not valid", [Issue("name", "give either the name or the node_id")])

    def fact(self, by: str) -> f.Fact:
        """What the engine is told."""
        key = None if self.node_id is None else (self.node_id, self.iteration)
        return f.Signal(self.name, self.data, key, by)


@dataclass(frozen=True, slots=True, kw_only=True)
class SkipNode(ExecutionCommand):
    """Complete a stuck node with an output given here."""

    node_id: str
    iteration: str = ""
    output: JsonValue = None
    port: str | None = None

    def fact(self, by: str) -> f.Fact:
        """What the engine is told."""
        return f.SkipNode((self.node_id, self.iteration), self.output, by, self.port)


async def handle(message: ExecutionCommand, context: Context, principal: Principal) -> JsonObject:
    """Tell the engine; raises `NotFoundError`, and `ConflictError` naming the state that doesn't allow it."""
    execution = await context.engine.tell(message.tenant_id, message.execution_id, message.fact(principal.name))
    return {"execution_id": execution.id, "status": execution.status.value}
