"""Sends what `send` nodes have to say through the channels of their tenants."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from weakref import WeakValueDictionary

from flowrun.channels import CHANNEL_TYPES, ChannelType, Delivery, UnsendableError
from flowrun.channels.base import RenewalError
from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import Failed, Outcome
from flowrun.errors import FlowrunError, InvalidInputError, NotFoundError
from flowrun.nodes.http_client import HttpClient
from flowrun.nodes.http_errors import HttpError
from flowrun.nodes.job import NodeJob
from flowrun.nodes.scrubbing import Scrubber
from flowrun.ports import Channels, StoredChannel

_log = logging.getLogger(__name__)

Disable = Callable[[str, str, str], Awaitable[None]]
"""Disables a channel: the tenant, its name, and why."""


Renew = Callable[[StoredChannel, JsonObject], Awaitable[None]]
"""Stores the credentials that a channel has got itself."""


class TenantChannels:
    """See `flowrun.nodes.job.ChannelSender`."""

    def __init__(
        self,
        channels: Channels,
        http: HttpClient,
        disable: Disable,
        renew: Renew,
        types: Mapping[str, ChannelType] = CHANNEL_TYPES,
    ) -> None:
        self._channels = channels
        self._http = http
        self._disable = disable
        self._renew = renew
        self._renewals: set[asyncio.Task[JsonObject | Failed | None]] = set()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """By the channel: two messages must not use up one refresh token."""
        self._types = types

    async def send(self, job: NodeJob) -> Outcome:
        """See `flowrun.nodes.job.ChannelSender.send`."""
        name = str(job.params["channel"])
        try:
            channel = await self._channels.get(job.tenant_id, name)
        except NotFoundError as error:
            return Failed("unknown_channel", str(error))
        except FlowrunError as error:
            return Failed("unreadable_channel", str(error))
        if channel.status != "active":
            why = f": {channel.status_reason}" if channel.status_reason else ""
            return Failed("channel_disabled", f"The channel {name} is disabled{why}")
        kind = self._types.get(channel.type)
        if kind is None:
            message = f"The channel {name} is of the type {channel.type}, which is not known to this version"
            return Failed("unknown_channel", message)
        return await self._through(channel, kind, job)

    async def _through(self, channel: StoredChannel, kind: ChannelType, job: NodeJob) -> Outcome:
        try:
            credentials = kind.check(channel.credentials)
        except InvalidInputError as error:
            return Failed("invalid_credentials", f"The credentials of the channel {channel.name} don't fit: {error}")
        to = job.params["to"]
        delivery = Delivery(
            credentials, None if to is None else str(to), job.params["message"], job.idempotency_key, job.attempt
        )
        outcome, hidden = await self._attempt(kind, delivery), kind.secrets_of(credentials)
        if isinstance(outcome, Failed) and outcome.type == "channel_unauthorized":
            # It is shielded: a token that was given out but not stored would be lost for ever.
            renewed = await asyncio.shield(self._renewing(channel, kind, credentials, outcome))
            if isinstance(renewed, Failed):
                outcome = renewed
            elif renewed is not None:
                hidden |= kind.secrets_of(renewed)
                outcome = await self._attempt(kind, replace(delivery, credentials=renewed))
        outcome = Scrubber(hidden).outcome(outcome)
        if isinstance(outcome, Failed) and outcome.type in kind.disabling:
            await self._disable(channel.tenant_id, channel.name, outcome.message)
        return outcome

    def _renewing(
        self, channel: StoredChannel, kind: ChannelType, used: JsonObject, failed: Failed
    ) -> asyncio.Task[JsonObject | Failed | None]:
        task = asyncio.create_task(self._renewed(channel, kind, used, failed))
        self._renewals.add(task)
        task.add_done_callback(self._renewals.discard)
        return task

    async def _renewed(
        self, channel: StoredChannel, kind: ChannelType, used: JsonObject, failed: Failed
    ) -> JsonObject | Failed | None:
        """New credentials for a channel whose own were refused, stored; None where there is nothing to do."""
        lock = self._locks.setdefault(channel.id, asyncio.Lock())
        try:
            async with lock:
                present = await self._channels.get(channel.tenant_id, channel.name)
                checked = kind.check(present.credentials)
                if checked != used:
                    return checked  # Another message has renewed them, or a person.
                changes = await kind.renewed(checked, failed, self._http)
                if changes is None:
                    return None
                await self._renew(present, {**present.credentials, **changes})
                return {**checked, **changes}
        except RenewalError as error:
            return Failed("channel_unauthorized", str(error), details=failed.details)
        except HttpError as error:
            return error.outcome()
        except FlowrunError as error:
            return Failed("channel_unauthorized", f"The new credentials can't be kept: {error}", retryable=True)

    async def _attempt(self, kind: ChannelType, delivery: Delivery) -> Outcome:
        try:
            return await kind.send(delivery, self._http)
        except HttpError as error:
            return error.outcome()
        except UnsendableError as error:
            return Failed("invalid_message", str(error))
        except Exception as error:  # noqa: BLE001 - its text may hold credentials, which are known only here
            _log.error("A channel of type %s failed with %s", kind.name, type(error).__name__)
            return Failed(type(error).__name__, str(error) or type(error).__name__, retryable=True)
