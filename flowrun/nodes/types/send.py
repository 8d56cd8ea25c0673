"""The node that sends a message through a channel."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from flowrun.domain.node_type import Failed, Outcome
from flowrun.nodes.base import WorkerNodeType
from flowrun.nodes.fields import number_as_text
from flowrun.nodes.job import NodeJob, Services
from flowrun.nodes.params import ParamsModel


def _recipient(value: object) -> object:
    value = number_as_text(value)
    if isinstance(value, str) and any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise ValueError("has a line break or another control character")
    return value.strip() if isinstance(value, str) else value


class SendParams(ParamsModel):
    """The params of `send`."""

    channel: Annotated[str, Field(min_length=1, max_length=100)] = Field(description="The name of the channel.")
    to: Annotated[str, BeforeValidator(_recipient), Field(max_length=2000)] | None = Field(
        default=None,
        description="Whom it is for, as the channel's type says: mostly `trigger.event.customer_id`.",
    )
    message: Any = Field(description="A text, or an object as the channel's provider takes it.")


class Send(WorkerNodeType):
    """Sends a message through one of the tenant's channels; its output is `{message_id, response}`.

    `message_id` is the provider's own id of the message, or null where there is none; `response` is the rest of what it
    answered. What `to` and `message` may be is up to the type of the channel: docs/channels.md has them all.

    Retried are `rate_limited` (after `Retry-After`), `provider_unavailable`, `connection_error` and `http_timeout`; not
    `channel_unauthorized`, `account_blocked`, `invalid_recipient`, `recipient_unavailable`, `window_closed`,
    `message_rejected`, `invalid_message`, `invalid_answer`, `invalid_credentials`, `address_refused`,
    `unknown_channel`, `unreadable_channel` and `channel_disabled`. Credentials are taken out of whatever the provider
    answers. A channel of type `callback` brings ten attempts over three days, unless the node has its own `retry`.
    """

    name = "send"
    worker = "response"
    Params = SendParams
    example = MappingProxyType(
        {
            "channel": "support-line",
            "to": "{{ input.customer_id }}",
            "message": "Your order {{ input.order_id }} is on its way.",
        }
    )

    async def run(self, job: NodeJob, services: Services) -> Outcome:
        """Send it, and make the outcome of what the provider says."""
        if services.channels is None:
            return Failed("unknown_channel", "There are no channels where this node runs")
        return await services.channels.send(job)
