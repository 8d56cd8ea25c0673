"""What the APIs of Meta have in common: how they are called, and what their error codes mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from flowrun.channels.base import Delivery, InboundAuth
from flowrun.channels.calls import Answer, bearer, call, failed
from flowrun.channels.fields import Secret, Token
from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import Failed
from flowrun.nodes.http_client import HttpClient
from flowrun.nodes.params import ParamsModel

Meaning = tuple[str, bool]
"""The type of the failure, and whether trying again can help."""

GRAPH_VERSION = "v24.0"
Version = Annotated[str, Field(pattern=r"^v[0-9]{1,3}\.[0-9]{1,2}$")]

COMMON: Mapping[int, Meaning] = {
    0: ("channel_unauthorized", False),
    1: ("provider_unavailable", True),
    2: ("provider_unavailable", True),
    3: ("channel_unauthorized", False),
    4: ("rate_limited", True),
    10: ("channel_unauthorized", False),
    17: ("rate_limited", True),
    32: ("rate_limited", True),
    33: ("message_rejected", False),
    100: ("message_rejected", False),
    102: ("channel_unauthorized", False),
    190: ("channel_unauthorized", False),
    368: ("account_blocked", False),
    613: ("rate_limited", True),
    **dict.fromkeys(range(200, 300), ("channel_unauthorized", False)),
}


class MetaCredentials(ParamsModel):
    """What every channel of Meta's takes."""

    access_token: Token = Field(description="The token that may send.")
    app_secret: Secret | None = Field(
        default=None, description="The app's secret, which signs what comes in. Without it nothing is let in."
    )
    verify_token: Secret | None = Field(
        default=None, description="A text of your own that Meta repeats when the webhook is subscribed."
    )
    version: Version = Field(default=GRAPH_VERSION, description="The version of the Graph API.")


def meta_auth(credentials: Mapping[str, Any]) -> InboundAuth | None:
    """Meta's scheme with the app's secret."""
    secret, token = credentials.get("app_secret"), credentials.get("verify_token")
    if not secret:
        return None
    return InboundAuth("meta", (secret.encode(),), (token.encode(),) if token else ())


async def post(delivery: Delivery, http: HttpClient, place: str, body: JsonObject) -> Answer:
    """Call the edge `messages` of a phone number or an account. Raises `HttpError`."""
    given = delivery.credentials
    url = f"{given['base_url']}/{given['version']}/{place}/messages"
    return await call(http, "POST", url, body, headers=bearer(given["access_token"]))


def refusal(answer: Answer, provider: str, meanings: Mapping[int, Meaning]) -> Failed:
    """The failure of an answer with an error document, by its code."""
    error = answer.part("error")
    code = error.get("code")
    if not isinstance(code, int):
        return failed(answer, f"{provider} answered with the status {answer.status}")
    said = error.get("error_user_msg") or error.get("message")
    data = error.get("error_data")
    details: JsonObject = {
        "code": code,
        "subcode": error.get("error_subcode"),
        "message": str(said) if said is not None else None,
        "explanation": data.get("details") if isinstance(data, dict) else None,
        "trace_id": error.get("fbtrace_id"),
    }
    message = f"{provider} refused the message ({code}): {details['explanation'] or said}"
    found = failed(answer, message, details)
    meaning = meanings.get(code, COMMON.get(code))
    if meaning is not None:
        found.type, found.retryable = meaning
    if error.get("is_transient") is True:
        found.retryable = True
    return found
