"""How a turn of an agent fails."""

from __future__ import annotations

from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import Failed


class AgentError(Exception):
    """The turn cannot go on; the message holds no secrets."""

    def __init__(
        self,
        kind: str,
        message: str,
        *,
        retryable: bool = False,
        details: JsonObject | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.retryable = retryable
        self.details = details or {}
        self.retry_after = retry_after

    def outcome(self, usage: JsonObject) -> Failed:
        """Say it as the outcome of a node, with what the attempt has used so far."""
        details = self.details | {"usage": usage}
        return Failed(self.kind, str(self), retryable=self.retryable, details=details, retry_after=self.retry_after)


class AgentLimitError(AgentError):
    """One of the node's `limits` is reached: another attempt would reach it too."""

    def __init__(self, limit: str, message: str) -> None:
        super().__init__("agent_limit", message, details={"limit": limit})
