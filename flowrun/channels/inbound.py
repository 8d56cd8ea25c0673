"""What channels say of the messages that come in: who sends them, and how that is proven."""

from __future__ import annotations

from flowrun.channels import CHANNEL_TYPES
from flowrun.channels.base import ChannelType
from flowrun.errors import FlowrunError
from flowrun.ports import ChannelProof, Channels, InboundChannel, StoredChannel

_NOBODY = {"type": "channel"}
"""No scheme has that name, so that nothing is believed."""


class ChannelInbox:
    """See `flowrun.ports.InboundChannels`."""

    def __init__(self, channels: Channels) -> None:
        self._channels = channels

    async def inbound(self, tenant_id: str, name: str) -> InboundChannel:
        """See `flowrun.ports.InboundChannels.inbound`."""
        try:
            channel = await self._channels.get(tenant_id, name)
        except FlowrunError as error:
            return InboundChannel(None, {**_NOBODY}, ChannelProof(None, refusal=str(error)))
        kind = CHANNEL_TYPES.get(channel.type)
        if kind is None:
            refusal = f"the channel {name} is of the type {channel.type}, which is not known to this version"
            return InboundChannel(None, {**_NOBODY}, ChannelProof(channel.id, refusal=refusal))
        return _inbound(channel, kind)


def _inbound(channel: StoredChannel, kind: ChannelType) -> InboundChannel:
    try:
        auth = kind.inbound_auth(kind.check(channel.credentials))
    except FlowrunError as error:
        refusal = f"the credentials of the channel {channel.name} don't fit its type any more: {error}"
        return InboundChannel(kind.provider, {**_NOBODY}, ChannelProof(channel.id, refusal=refusal))
    if auth is None:
        refusal = f"the channel {channel.name} takes no messages: its credentials don't say what they are proven with"
        return InboundChannel(kind.provider, {**_NOBODY}, ChannelProof(channel.id, refusal=refusal))
    proof = ChannelProof(channel.id, auth.secrets, auth.verify_tokens, _closed(channel))
    return InboundChannel(kind.provider, {**auth.options, "type": auth.scheme}, proof)


def _closed(channel: StoredChannel) -> str | None:
    """Why nothing gets through; None when the channel is active."""
    if channel.status == "active":
        return None
    why = f": {channel.status_reason}" if channel.status_reason else ""
    return f"the channel {channel.name} is {channel.status}{why}"
