"""Instagram and Messenger, through Meta's Send API."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from pydantic import Field

from flowrun.channels.base import ChannelType, Delivery, InboundAuth
from flowrun.channels.calls import Answer, sent, unreadable
from flowrun.channels.fields import BaseUrl, Id
from flowrun.channels.graph_api import Meaning, MetaCredentials, meta_auth, post, refusal
from flowrun.channels.messages import needs_to, text_or_object
from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import Failed, Outcome
from flowrun.nodes.http_client import HttpClient

_MEANINGS: Mapping[int, Meaning] = {
    551: ("recipient_unavailable", False),
    1200: ("provider_unavailable", True),
    2534022: ("window_closed", False),
    80002: ("rate_limited", True),
    80006: ("rate_limited", True),
}
_WINDOW_CLOSED = frozenset({2018278, 2018300, 2534022})
_NO_RECIPIENT = frozenset({2018001, 2534014})
_UNAVAILABLE = frozenset({1545041, 2018108})
_BESIDE_THE_MESSAGE = frozenset({"message", "sender_action", "messaging_type", "tag", "payload", "notification_type"})
"""What an object for the whole request has; anything else is the message itself."""


class InstagramCredentials(MetaCredentials):
    """What an Instagram channel needs."""

    account_id: Id = Field(default="me", description="The professional account's id; `me` is the token's own.")
    base_url: BaseUrl = Field(
        default="https://graph.instagram.com",
        description="Where the API is; `https://graph.facebook.com` for a token of Facebook Login.",
    )


class MessengerCredentials(MetaCredentials):
    """What a Messenger channel needs."""

    page_id: Id = Field(default="me", description="The page's id; `me` is the token's own.")
    base_url: BaseUrl = Field(default="https://graph.facebook.com", description="Where the Graph API is.")


class _SendApi(ChannelType):
    longest: ClassVar[int]
    title: ClassVar[str]
    place: ClassVar[str]
    """The credential that says who sends."""

    def inbound_auth(self, credentials: JsonObject) -> InboundAuth | None:
        """Meta's signature, by the app's secret."""
        return meta_auth(credentials)

    async def send(self, delivery: Delivery, http: HttpClient) -> Outcome:
        """Post the message. Raises `HttpError`, `UnsendableError`."""
        recipient: JsonObject = {
            "id": needs_to(delivery, "the customer's scoped id, as `trigger.event.customer_id` has it")
        }
        message = text_or_object(delivery, self.longest)
        body = self.content({"text": message} if isinstance(message, str) else message)
        body = {"recipient": recipient, **body}
        answer = await post(delivery, http, delivery.credentials[self.place], body)
        if not answer.ok:
            return _refused(answer, self.title)
        if "message_id" in answer.fields or "recipient_id" in answer.fields:
            return sent(answer.fields.get("message_id"), answer.document)
        return unreadable(answer, self.title)

    @abstractmethod
    def content(self, message: JsonObject) -> JsonObject:
        """What the request has beside the recipient."""


class Instagram(_SendApi):
    """Sends messages from an Instagram professional account.

    `to` is the customer's scoped id, as `trigger.event.customer_id` has it. `message` is a text of at most 1000
    characters, or an object as the Send API takes it: `{"attachment": {…}}`, `{"text": …, "quick_replies": […]}`, or
    the request's own fields: `{"sender_action": "typing_on"}`, `{"message": {…}, "tag": "HUMAN_AGENT"}`.

    Outside the 24 hours after the customer's last message it fails as `window_closed`. Meta has nothing by which it
    knows a message again: one whose answer was lost on the way is sent twice.

    Where to get it: in the Meta app dashboard, Instagram → API setup with Instagram login generates the token
    (permission `instagram_business_manage_messages`); it lives for 60 days and has to be renewed before. The same page
    shows the Instagram app's secret. Limits: 100 text messages a second for each account.
    """

    name = "instagram"
    provider = "instagram"
    title = "Instagram"
    longest = 1000
    place = "account_id"
    Credentials = InstagramCredentials
    example = MappingProxyType(
        {"access_token": "IGAAR...", "account_id": "17841405822304914", "app_secret": "0c4e...", "verify_token": "mine"}
    )
    example_to = "525731499855322"

    def content(self, message: JsonObject) -> JsonObject:
        """The message, or the request's own fields."""
        return message if _BESIDE_THE_MESSAGE & message.keys() else {"message": message}


class Messenger(_SendApi):
    """Sends messages from a Facebook page, through Messenger.

    `to` is the customer's page-scoped id, as `trigger.event.customer_id` has it. `message` is a text of at most 2000
    characters, or an object as the Send API takes it: `{"attachment": {…}}`, `{"text": …, "quick_replies": […]}`, or
    the request's own fields: `{"message": {…}, "messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}`. It is sent as
    `RESPONSE` unless the object says otherwise.

    Outside the 24 hours after the customer's last message it fails as `window_closed`. Meta has nothing by which it
    knows a message again: one whose answer was lost on the way is sent twice.

    Where to get it: in the Meta app dashboard, Messenger → API settings generates the page's token (permission
    `pages_messaging`); App settings → Basic shows the app's secret. Limits: 300 messages a second for each page.
    """

    name = "messenger"
    provider = "facebook"
    title = "Messenger"
    longest = 2000
    place = "page_id"
    Credentials = MessengerCredentials
    example = MappingProxyType(
        {"access_token": "EAAJB...", "page_id": "682498302938465", "app_secret": "f2f4...", "verify_token": "mine"}
    )
    example_to = "7061287400642312"

    def content(self, message: JsonObject) -> JsonObject:
        """The message, or the request's own fields; an answer to the customer unless they say otherwise."""
        whole = message if _BESIDE_THE_MESSAGE & message.keys() else {"message": message}
        return {"messaging_type": "RESPONSE", **whole}


def _refused(answer: Answer, title: str) -> Failed:
    found = refusal(answer, title, _MEANINGS)
    subcode = answer.part("error").get("error_subcode")
    # The codes are shared with other errors; only the subcode tells these apart.
    for kind, subcodes in (
        ("window_closed", _WINDOW_CLOSED),
        ("invalid_recipient", _NO_RECIPIENT),
        ("recipient_unavailable", _UNAVAILABLE),
    ):
        if subcode in subcodes:
            found.type, found.retryable = kind, False
    return found
