"""Telegram, through the Bot API."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, Any

from pydantic import Field

from flowrun.channels.base import ChannelType, Delivery, InboundAuth, UnsendableError
from flowrun.channels.calls import Answer, call, failed, sent, unreadable
from flowrun.channels.fields import BaseUrl, Secret
from flowrun.channels.messages import needs_to, text_or_object
from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import Failed, Outcome
from flowrun.nodes.http_client import HttpClient
from flowrun.nodes.params import ParamsModel

_LONGEST = 4096
_METHODS = MappingProxyType(
    {
        "text": "sendMessage",
        "photo": "sendPhoto",
        "document": "sendDocument",
        "video": "sendVideo",
        "audio": "sendAudio",
        "voice": "sendVoice",
        "animation": "sendAnimation",
        "sticker": "sendSticker",
        "latitude": "sendLocation",
        "phone_number": "sendContact",
        "action": "sendChatAction",
    }
)
"""What an object has to have, and the method that takes it."""
_NO_RECIPIENT = ("chat not found", "user not found", "chat_id is empty", "peer_id_invalid", "group chat was upgraded")
_UNAVAILABLE = ("blocked by the user", "user is deactivated", "was kicked", "is not a member", "can't initiate")

BotToken = Annotated[str, Field(pattern=r"^[0-9]{3,20}:[A-Za-z0-9_-]{10,100}$", json_schema_extra={"secret": True})]


class TelegramCredentials(ParamsModel):
    """What a Telegram channel needs."""

    bot_token: BotToken = Field(description="The bot's token: `123456:ABC-…`.")
    secret_token: Secret | None = Field(
        default=None,
        description="The `secret_token` that `setWebhook` was given. Without it nothing is let in.",
    )
    base_url: BaseUrl = Field(
        default="https://api.telegram.org", description="Where the Bot API is: Telegram's, or a local server of it."
    )


class Telegram(ChannelType):
    """Sends messages from a Telegram bot.

    `to` is the chat's id, as `trigger.event.data.recipient_id` has it, or `@channelname`. `message` is a text of at
    most 4096 characters, or an object with the fields of the method that sends it, which is told by one of them:
    `text`, `photo`, `document`, `video`, `audio`, `voice`, `animation`, `sticker`, `latitude`, `phone_number` or
    `action`: `{"text": "<b>Sent</b>", "parse_mode": "HTML"}`, `{"photo": "https://…", "caption": "…"}`.

    A bot writes only to who wrote to it before; who blocked it is `recipient_unavailable`. The Bot API has nothing by
    which it knows a message again: one whose answer was lost on the way is sent twice.

    Where to get it: @BotFather, `/newbot`. Limits: about 30 messages a second over all chats, one a second in a chat
    and 20 a minute in a group; beyond that `rate_limited`, tried again after the time that Telegram names.
    """

    name = "telegram"
    provider = "telegram"
    Credentials = TelegramCredentials
    example = MappingProxyType(
        {"bot_token": "123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11", "secret_token": "a text of your own"}
    )
    example_to = "1111111"

    def inbound_auth(self, credentials: JsonObject) -> InboundAuth | None:
        """The secret token of the bot's webhook."""
        secret = credentials.get("secret_token")
        return InboundAuth("telegram", (str(secret).encode(),)) if secret else None

    async def send(self, delivery: Delivery, http: HttpClient) -> Outcome:
        """Call the method that fits the message. Raises `HttpError`, `UnsendableError`."""
        chat = needs_to(delivery, "the chat's id")
        message = text_or_object(delivery, _LONGEST)
        content: JsonObject = {"text": message} if isinstance(message, str) else message
        given = delivery.credentials
        # The Bot API wants the token in the path; the client's own errors name the host alone.
        url = f"{given['base_url']}/bot{given['bot_token']}/{_method(content)}"
        answer = await call(http, "POST", url, {"chat_id": chat, **content})
        match answer.document:
            case {"ok": True, "result": {"message_id": message_id} as result}:
                return sent(message_id, result)
            case {"ok": True, "result": result}:
                return sent(None, result)
        return (
            unreadable(answer, "Telegram") if answer.ok and answer.fields.get("ok") is not False else _refused(answer)
        )


def _method(content: JsonObject) -> str:
    # A caption's photo beside a text does not exist: the first that fits is the only one.
    found = next((method for name, method in _METHODS.items() if name in content), None)
    if found is None:
        raise UnsendableError(f"`message` must have one of {', '.join(_METHODS)}")
    return found


def _refused(answer: Answer) -> Failed:
    said: Any = answer.fields.get("description")
    code = answer.fields.get("error_code")
    parameters = answer.part("parameters")
    details: JsonObject = {"code": code, "description": said, "parameters": parameters or None}
    found = failed(answer, f"Telegram refused the message ({code or answer.status}): {said or 'no reason'}", details)
    text = str(said).lower()
    wait = parameters.get("retry_after")
    if code == 429 or wait is not None:
        found.type, found.retryable = "rate_limited", True
        found.retry_after = float(wait) if isinstance(wait, int | float) else found.retry_after
    elif any(part in text for part in _NO_RECIPIENT) or "migrate_to_chat_id" in parameters:
        found.type = "invalid_recipient"
    elif any(part in text for part in _UNAVAILABLE):
        found.type = "recipient_unavailable"
    elif code == 404:
        # There is no other reason: the method is ours, so it is the token that isn't known.
        found.type = "channel_unauthorized"
    return found
