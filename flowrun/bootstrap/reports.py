"""What workers, timers and channels report, as the commands that it comes back as."""

from __future__ import annotations

import logging
from collections.abc import Callable

from flowrun.bus import SYSTEM, Command, Mediator, R
from flowrun.commands.fire_timer import FireTimer
from flowrun.commands.record_loss import RecordLoss
from flowrun.commands.record_result import RecordResult
from flowrun.commands.record_start import RecordStart
from flowrun.commands.renew_channel import RenewChannel
from flowrun.commands.set_channel_status import ChannelStatus, SetChannelStatus
from flowrun.coordinator.timers import DueTimer
from flowrun.domain.facts import TimerKind
from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import Cancelled, Outcome
from flowrun.domain.turn import Job
from flowrun.errors import FlowrunError
from flowrun.ports import StoredChannel

_log = logging.getLogger(__name__)


class Reports:
    """Sends the engine's own commands over the bus."""

    mediator: Mediator
    """Set as soon as there is one: it is made of the parts that report to it."""
    ran: Callable[[Job, int | None], None]
    """Told of each attempt that has ended, and when (ms) it began."""

    async def record_start(self, job: Job, started_at: int) -> None:
        """A worker has begun an attempt."""
        await self.mediator.send(
            RecordStart(
                tenant_id=job.tenant_id,
                execution_id=job.execution_id,
                key=(job.node_id, job.iteration),
                dispatch=job.dispatch,
                started_at=started_at,
            ),
            SYSTEM,
        )

    async def record_result(self, job: Job, outcome: Outcome | Cancelled, started_at: int | None) -> None:
        """A worker has ended an attempt."""
        self.ran(job, started_at)
        await self.mediator.send(
            RecordResult(
                tenant_id=job.tenant_id,
                execution_id=job.execution_id,
                key=(job.node_id, job.iteration),
                dispatch=job.dispatch,
                outcome=outcome,
                started_at=started_at,
            ),
            SYSTEM,
        )

    async def record_loss(self, job: Job, *, blameless: bool = False) -> None:
        """An attempt died with its process, or (`blameless`) was cut off when that was told to stop."""
        await self.mediator.send(
            RecordLoss(
                tenant_id=job.tenant_id,
                execution_id=job.execution_id,
                key=(job.node_id, job.iteration),
                dispatch=job.dispatch,
                blameless=blameless,
            ),
            SYSTEM,
        )

    async def renew_channel(self, channel: StoredChannel, credentials: JsonObject) -> None:
        """A channel's provider has given it new credentials."""
        await self.mediator.send(
            RenewChannel(
                tenant_id=channel.tenant_id,
                name=channel.name,
                channel_id=channel.id,
                before=channel.credentials,
                credentials=credentials,
            ),
            SYSTEM,
        )

    async def disable_channel(self, tenant_id: str, name: str, reason: str) -> None:
        """A channel's provider wants no more of it."""
        message = SetChannelStatus(tenant_id=tenant_id, name=name, status=ChannelStatus.DISABLED, reason=reason)
        try:
            await self.mediator.send(message, SYSTEM)
        except FlowrunError as error:
            # What was sent has its own outcome; the next message finds the same reason.
            _log.warning("The channel %s of %s could not be disabled: %s", name, tenant_id, error)

    async def send(self, command: Command[R]) -> R:
        """Let anything else be done that the engine itself asks for."""
        return await self.mediator.send(command, SYSTEM)

    async def fire(self, timer: DueTimer) -> None:
        """A timer has come due."""
        key = (timer.node_id, timer.iteration) if timer.node_id else None
        await self.mediator.send(FireTimer(execution_id=timer.execution_id, kind=timer.kind, key=key), SYSTEM)

    async def finish_cancelling(self, execution_id: str) -> None:
        """The workers that were told to stop have had their time."""
        await self.mediator.send(FireTimer(execution_id=execution_id, kind=TimerKind.CANCEL_GRACE, key=None), SYSTEM)
