"""Slack, through the Web API with a bot's token, or an incoming webhook."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field

from flowrun.channels.base import ChannelType, Delivery, InboundAuth
from flowrun.channels.calls import Answer, bearer, call, failed, sent, unreadable
from flowrun.channels.fields import BaseUrl, Secret, SecretUrl, Token
from flowrun.channels.messages import needs_to, text_or_object
from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import Failed, Outcome
from flowrun.nodes.http_client import HttpClient
from flowrun.nodes.params import NOT_GIVEN, ParamsModel

_LONGEST = 40_000
_SHORTEST_SECRET = 8
"""Characters of a part of an address that may be one."""
_UNAUTHORIZED = (
    "not_authed invalid_auth token_revoked token_expired account_inactive missing_scope no_permission "
    "not_allowed_token_type team_access_not_granted ekm_access_denied enterprise_is_restricted access_denied "
    "org_login_required action_prohibited no_service no_service_id invalid_token no_active_hooks no_team team_disabled"
)
_NO_RECIPIENT = "channel_not_found not_in_channel is_archived channel_is_archived user_not_found cannot_dm_bot"
_TRANSIENT = "internal_error fatal_error service_unavailable request_timeout rollup_error"
_MEANINGS: Mapping[str, tuple[str, bool]] = MappingProxyType(
    {
        **dict.fromkeys(_UNAUTHORIZED.split(), ("channel_unauthorized", False)),
        **dict.fromkeys(_NO_RECIPIENT.split(), ("invalid_recipient", False)),
        **dict.fromkeys(_TRANSIENT.split(), ("provider_unavailable", True)),
        **dict.fromkeys(("ratelimited", "rate_limited", "message_limit_exceeded"), ("rate_limited", True)),
    }
)


class SlackCredentials(ParamsModel):
    """What a Slack channel needs."""

    bot_token: Token = Field(default=NOT_GIVEN, description="The app's bot token: `xoxb-…`.")
    webhook_url: SecretUrl = Field(
        default=NOT_GIVEN,
        description="An incoming webhook's address, which is for one Slack channel; instead of a token.",
    )
    signing_secret: Secret | None = Field(
        default=None, description="The app's signing secret. Without it nothing is let in."
    )
    base_url: BaseUrl = Field(default="https://slack.com/api", description="Where the Web API is.")

    exactly_one = ("bot_token", "webhook_url")


class Slack(ChannelType):
    """Sends messages to Slack, as an app's bot, or through an incoming webhook.

    `to` is the id of a Slack channel, a conversation or a user, as `trigger.event.data.recipient_id` has it; with a
    `webhook_url` it is left out. `message` is a text of at most 40,000 characters in Slack's own mark-up, or an object
    as `chat.postMessage` takes it: `{"text": "…", "blocks": […], "thread_ts": "1503435956.000247"}`.

    The output's `message_id` is the message's `ts`; a webhook gives none. Slack has nothing by which it knows a message
    again: one whose answer was lost on the way is sent twice.

    Where to get it: api.slack.com/apps → your app: OAuth & Permissions (scope `chat:write`, then install it and invite
    the bot to the channel), Incoming Webhooks, and Basic Information for the signing secret. Limits: about one message
    a second in a channel; beyond that `rate_limited`, tried again after `Retry-After`.
    """

    name = "slack"
    provider = "slack"
    Credentials = SlackCredentials
    example = MappingProxyType(
        {
            "bot_token": "xoxb-1234-5678-example",
            "signing_secret": "8f74...",
        }
    )
    example_to = "C123ABC456"

    def inbound_auth(self, credentials: JsonObject) -> InboundAuth | None:
        """Slack's signature, by the app's signing secret."""
        secret = credentials.get("signing_secret")
        return InboundAuth("slack", (str(secret).encode(),)) if secret else None

    def secrets_of(self, credentials: Mapping[str, Any]) -> set[str]:
        """Also the path of the webhook's URL and its parts: a server may say them without the rest."""
        path = urlsplit(str(credentials["webhook_url"] or "")).path
        parts = {part for part in path.split("/") if len(part) >= _SHORTEST_SECRET}
        return super().secrets_of(credentials) | parts | ({path} if len(path) >= _SHORTEST_SECRET else set())

    async def send(self, delivery: Delivery, http: HttpClient) -> Outcome:
        """Post the message. Raises `HttpError`, `UnsendableError`."""
        message = text_or_object(delivery, _LONGEST)
        content: JsonObject = {"text": message} if isinstance(message, str) else message
        given = delivery.credentials
        if given["webhook_url"] is not None:
            return _from_webhook(await call(http, "POST", given["webhook_url"], content))
        body: JsonObject = {"channel": needs_to(delivery, "a Slack channel's id"), **content}
        answer = await call(
            http, "POST", f"{given['base_url']}/chat.postMessage", body, headers=bearer(given["bot_token"])
        )
        match answer.document:
            case {"ok": True, "ts": str(ts)}:
                return sent(ts, answer.document)
            case {"ok": False, "error": str(error)}:
                metadata = answer.part("response_metadata")
                return _refused(answer, error, {"error": error, "needed": answer.fields.get("needed"), **metadata})
        if answer.ok:
            return unreadable(answer, "Slack")
        return failed(answer, f"Slack answered with the status {answer.status}")


def _from_webhook(answer: Answer) -> Outcome:
    """An incoming webhook answers with `ok`, or with the name of an error, as plain text."""
    if answer.ok:
        return sent(None, None)
    error = answer.text.strip()
    return _refused(answer, error, {"error": error})


def _refused(answer: Answer, error: str, details: JsonObject) -> Failed:
    found = failed(answer, f"Slack refused the message: {error}", details)
    if error in _MEANINGS:
        found.type, found.retryable = _MEANINGS[error]
    return found
