"""WhatsApp, through Meta's Cloud API."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pydantic import Field

from flowrun.channels.base import ChannelType, Delivery, InboundAuth, UnsendableError
from flowrun.channels.calls import sent, unreadable
from flowrun.channels.fields import BaseUrl, Id
from flowrun.channels.graph_api import Meaning, MetaCredentials, meta_auth, post, refusal
from flowrun.channels.messages import needs_to, text_or_object
from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import Outcome
from flowrun.nodes.http_client import HttpClient

_LONGEST_TEXT = 4096
_KINDS = (
    "text",
    "template",
    "interactive",
    "image",
    "video",
    "audio",
    "document",
    "sticker",
    "location",
    "contacts",
    "reaction",
)
_MEANINGS: Mapping[int, Meaning] = {
    80007: ("rate_limited", True),
    130429: ("rate_limited", True),
    130472: ("recipient_unavailable", False),
    130497: ("account_blocked", False),
    131000: ("provider_unavailable", True),
    131005: ("channel_unauthorized", False),
    131016: ("provider_unavailable", True),
    131021: ("invalid_recipient", False),
    131026: ("recipient_unavailable", False),
    131030: ("invalid_recipient", False),
    131031: ("account_blocked", False),
    131042: ("account_blocked", False),
    131045: ("channel_unauthorized", False),
    131047: ("window_closed", False),
    131048: ("account_blocked", False),
    131050: ("recipient_unavailable", False),
    131056: ("rate_limited", True),
    131057: ("provider_unavailable", True),
    133004: ("provider_unavailable", True),
    133010: ("channel_unauthorized", False),
}


class WhatsappCredentials(MetaCredentials):
    """What a WhatsApp channel needs."""

    phone_number_id: Id = Field(description="The id of the number that sends: not the number itself.")
    base_url: BaseUrl = Field(default="https://graph.facebook.com", description="Where the Graph API is.")


class Whatsapp(ChannelType):
    """Sends WhatsApp messages from a business number, through Meta's Cloud API.

    `to` is the customer's number with its country code, as `trigger.event.customer_id` has it. `message` is a text of
    at most 4096 characters, or an object as the Cloud API takes it: one of `text`, `template`, `interactive`, `image`,
    `video`, `audio`, `document`, `sticker`, `location`, `contacts` and `reaction`, and `context` to reply to a message:
    `{"template": {"name": "order_sent", "language": {"code": "pt_BR"}}}`.

    Outside the 24 hours after the customer's last message only templates go through; anything else fails as
    `window_closed` (131047). Meta has nothing by which it knows a message again: one whose answer was lost on the way
    is sent twice.

    Where to get it: in the Meta app dashboard, WhatsApp → API setup shows the phone number's id; make a token that
    doesn't expire for a system user (permission `whatsapp_business_messaging`); App settings → Basic shows the app's
    secret. Limits: 80 messages a second for each number, and one in 6 seconds to the same customer.
    """

    name = "whatsapp"
    provider = "whatsapp"
    Credentials = WhatsappCredentials
    example = MappingProxyType(
        {
            "phone_number_id": "106540352242922",
            "access_token": "EAAJB...",
            "app_secret": "f2f4...",
            "verify_token": "a text of your own",
        }
    )
    example_to = "5511999998888"

    def inbound_auth(self, credentials: JsonObject) -> InboundAuth | None:
        """Meta's signature, by the app's secret."""
        return meta_auth(credentials)

    async def send(self, delivery: Delivery, http: HttpClient) -> Outcome:
        """Post the message. Raises `HttpError`, `UnsendableError`."""
        body: JsonObject = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": needs_to(delivery, "the customer's number"),
            **_content(delivery),
        }
        answer = await post(delivery, http, delivery.credentials["phone_number_id"], body)
        if not answer.ok:
            return refusal(answer, "WhatsApp", _MEANINGS)
        match answer.document:
            case {"messages": [{"id": str(message_id)}, *_]}:
                return sent(message_id, answer.document)
        return unreadable(answer, "WhatsApp")


def _content(delivery: Delivery) -> JsonObject:
    message = text_or_object(delivery, _LONGEST_TEXT)
    if isinstance(message, str):
        return {"type": "text", "text": {"body": message}}
    if "type" in message:
        return message
    kinds = [kind for kind in _KINDS if kind in message]
    if len(kinds) != 1:
        raise UnsendableError(f"The message must have one of {', '.join(_KINDS)}, or say its `type`")
    return {"type": kinds[0], **message}
