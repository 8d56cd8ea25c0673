"""Webhooks that leave it to a channel who may call: they get its scheme, its secrets and its provider."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from flowrun.ports import InboundChannels, RouteMatch

CHANNEL = "channel"


def channel_of(auth: object) -> str | None:
    """The name of the channel that an `auth` names."""
    named = isinstance(auth, dict) and auth.get("type") == CHANNEL
    return str(auth.get(CHANNEL)) if named and isinstance(auth, dict) else None


async def with_channels(matches: Sequence[RouteMatch], channels: InboundChannels) -> Sequence[RouteMatch]:
    """The webhooks, those that name a channel with what it says of itself at this moment."""
    if all(channel_of(match.config.get("auth")) is None for match in matches):
        return matches
    return [await _with_channel(match, channels) for match in matches]


async def _with_channel(match: RouteMatch, channels: InboundChannels) -> RouteMatch:
    name = channel_of(match.config.get("auth"))
    if name is None:
        return match
    found = await channels.inbound(match.tenant_id, name)
    # The name stays, so that two channels of one scheme are not taken for one and the same.
    config = {**match.config, "auth": {**found.auth, CHANNEL: name}}
    config["provider"] = config.get("provider") or found.provider
    return replace(match, config=config, proof=found.proof)
