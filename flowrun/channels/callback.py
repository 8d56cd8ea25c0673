"""Callbacks: JSON to an address of the tenant's choice, signed as Standard Webhooks describes."""

from __future__ import annotations

import base64
import binascii
import time
from types import MappingProxyType
from typing import Annotated, Any

import orjson
from pydantic import AfterValidator, Field

from flowrun.channels.base import ChannelType, Delivery, UnsendableError
from flowrun.channels.calls import EXCERPT, Answer, post_bytes
from flowrun.channels.fields import Token, Url
from flowrun.channels.messages import delivery_id
from flowrun.domain.node_type import Completed, Failed, Outcome
from flowrun.nodes.fields import Headers, Seconds
from flowrun.nodes.http_client import HttpClient
from flowrun.nodes.http_errors import HttpError
from flowrun.nodes.params import ParamsModel
from flowrun.triggers.verification.standard_webhooks import sign

GONE = "endpoint_gone"
SCHEDULE = (5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
"""Seconds between the attempts, as Standard Webhooks recommends: ten attempts over a little more than three days."""
_LONGEST_TIMEOUT = 30.0
_KEY_BYTES = range(24, 65)
_OURS = frozenset({"host", "content-length", "content-type", "connection", "transfer-encoding", "te", "upgrade"})


def _signing(value: str) -> str:
    try:
        key = base64.b64decode(value.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not value.startswith("whsec_") or len(key) not in _KEY_BYTES:
        raise ValueError("must be `whsec_` and 24 to 64 bytes in base64: `whsec_$(openssl rand -base64 32)`")
    return value


def _not_ours(value: dict[str, str]) -> dict[str, str]:
    taken = next((name for name in value if name.lower() in _OURS or name.lower().startswith("webhook-")), None)
    if taken is not None:
        raise ValueError(f"must not have {taken!r}: it is set for every callback")
    return value


SigningSecret = Annotated[Token, AfterValidator(_signing)]


class CallbackCredentials(ParamsModel):
    """What a callback channel needs."""

    url: Url = Field(description="Where the callbacks go.")
    secrets: list[SigningSecret] = Field(
        min_length=1,
        max_length=5,
        description="What signs them: `whsec_…`. With several each signs, so that the receiver can change over.",
    )
    headers: Annotated[Headers, AfterValidator(_not_ours)] = Field(
        default={}, description="Name → value, sent with every callback.", json_schema_extra={"secret": True}
    )
    timeout: Annotated[Seconds, Field(gt=0, le=_LONGEST_TIMEOUT)] = Field(
        default=15.0, description="How long the receiver may take to answer."
    )


class Callback(ChannelType):
    """Posts JSON to an address of your own, signed as Standard Webhooks describes.

    `message` is the body: any object; a text is sent as `{"text": …}`. `to` is left out. The receiver knows it by
    `webhook-id`, which every attempt repeats, and checks `webhook-signature` with any Standard Webhooks library.

    A status of 2xx is a success; redirects are not followed. Anything else is tried again after 5 seconds, 5 minutes,
    30 minutes, 2, 5, 10, 14, 20 and 24 hours, a little later each time by chance, or when `Retry-After` says, if that
    is later: ten attempts over three days, which survive restarts. A node that has a `retry` of its own keeps to that
    instead. 410 means that nobody wants them any more: the channel is disabled, and the node fails as `endpoint_gone`.

    Where to get it: make the secret yourself (`echo whsec_$(openssl rand -base64 32)`) and give it to the receiver.
    """

    name = "callback"
    Credentials = CallbackCredentials
    example = MappingProxyType(
        {"url": "https://shop.example.com/hooks/flowrun", "secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]}
    )
    example_message = MappingProxyType({"type": "order.shipped", "data": {"order": "A-17"}})
    disabling = frozenset({GONE})

    def secrets_of(self, credentials: Any) -> set[str]:  # noqa: ANN401 - a mapping of what was checked
        """The secrets and the values of the headers, and the keys that the secrets hold."""
        keys = {str(secret).removeprefix("whsec_") for secret in credentials["secrets"]}
        return keys | set(credentials["secrets"]) | {value for value in credentials["headers"].values() if value}

    async def send(self, delivery: Delivery, http: HttpClient) -> Outcome:
        """Post the body. Raises `UnsendableError`."""
        given = delivery.credentials
        body, message_id = _body(delivery), delivery_id(delivery)
        at = str(int(time.time()))
        secrets = [secret.encode() for secret in given["secrets"]]
        headers = {name.lower(): value for name, value in given["headers"].items()} | {
            "webhook-id": message_id,
            "webhook-timestamp": at,
            "webhook-signature": sign(message_id, at, body, secrets),
        }
        try:
            answer = await post_bytes(http, "POST", given["url"], body, headers=headers, timeout=given["timeout"])
        except HttpError as error:
            failed = error.outcome()
            failed.schedule = SCHEDULE
            return failed
        if answer.ok:
            return Completed({"message_id": message_id, "response": {"status": answer.status}})
        return _refused(answer)


def _body(delivery: Delivery) -> bytes:
    message = delivery.message
    if message is None or message == "":
        raise UnsendableError("`message` must be an object or a text")
    # The spec's payloads are objects, and so is what most receivers expect.
    return orjson.dumps(message if isinstance(message, dict | list) else {"text": message})


def _refused(answer: Answer) -> Failed:
    details: Any = {"status": answer.status, "body": answer.text[:EXCERPT]}
    if answer.status == 410:
        return Failed(GONE, "The receiver wants no more callbacks (410), so the channel is disabled", details=details)
    return Failed(
        "rate_limited" if answer.status == 429 else "callback_status",
        f"The receiver answered with the status {answer.status}",
        retryable=True,
        details=details,
        retry_after=answer.wait,
        schedule=SCHEDULE,
    )
