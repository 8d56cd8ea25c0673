"""What messages go out through, and come in: one channel type in a file."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from flowrun.channels.apprise import Apprise
from flowrun.channels.base import ChannelType, Delivery, InboundAuth, UnsendableError
from flowrun.channels.callback import Callback
from flowrun.channels.email import Email
from flowrun.channels.instagram import Instagram, Messenger
from flowrun.channels.mercado_livre import MercadoLivre
from flowrun.channels.slack import Slack
from flowrun.channels.telegram import Telegram
from flowrun.channels.whatsapp import Whatsapp

CHANNEL_TYPES: Mapping[str, ChannelType] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            Whatsapp(),
            Instagram(),
            Messenger(),
            MercadoLivre(),
            Telegram(),
            Slack(),
            Email(),
            Apprise(),
            Callback(),
        )
    }
)

__all__ = ["CHANNEL_TYPES", "ChannelType", "Delivery", "InboundAuth", "UnsendableError"]
