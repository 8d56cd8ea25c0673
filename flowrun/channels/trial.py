"""One message through a channel on somebody's word, outside of any execution."""

from __future__ import annotations

from collections.abc import Callable

from flowrun.domain.json import JsonValue
from flowrun.domain.node_type import Outcome
from flowrun.nodes.job import ChannelSender, NodeJob


class ChannelTrial:
    """See `flowrun.ports.ChannelTrials`."""

    def __init__(self, sender: ChannelSender, new_id: Callable[[], str]) -> None:
        self._sender = sender
        self._new_id = new_id

    async def send(self, tenant_id: str, name: str, to: str | None, message: JsonValue) -> Outcome:
        """See `flowrun.ports.ChannelTrials.send`."""
        trial = f"trial-{self._new_id()}"
        job = NodeJob(
            params={"channel": name, "to": to, "message": message},
            input=None,
            execution_id=trial,
            tenant_id=tenant_id,
            workflow_id="",
            node_id="",
            iteration="",
            attempt=1,
            idempotency_key=trial,
        )
        return await self._sender.send(job)
