"""Mercado Livre: answers to the questions of buyers."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from pydantic import Field

from flowrun.channels.base import ChannelType, Delivery, InboundAuth, RenewalError, UnsendableError
from flowrun.channels.calls import Answer, bearer, call, failed, post_bytes, sent, unreadable
from flowrun.channels.fields import BaseUrl, Id, Secret, Token
from flowrun.channels.messages import needs_to, only_text
from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import Completed, Failed, Outcome
from flowrun.errors import InvalidInputError, Issue
from flowrun.nodes.http_client import HttpClient
from flowrun.nodes.http_errors import HttpError
from flowrun.nodes.params import ParamsModel

_LONGEST = 2000
_RENEWAL = ("client_id", "client_secret", "refresh_token")
_LONGEST_ID = 20
_ANSWERED = "not_unanswered_question"
_MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        _ANSWERED: "already_answered",
        "not_active_item": "recipient_unavailable",
        "question_not_found": "invalid_recipient",
        "invalid_question": "invalid_recipient",
        "invalid_post_body": "message_rejected",
        "text_too_long": "message_rejected",
    }
)


class MercadoLivreCredentials(ParamsModel):
    """What a Mercado Livre channel needs."""

    access_token: Token = Field(description="The seller's token: `APP_USR-…`. It lives for 6 hours.")
    client_id: Id | None = Field(default=None, description="The application's id, to renew the token with.")
    client_secret: Secret | None = Field(default=None, description="The application's secret.")
    refresh_token: Secret | None = Field(
        default=None, description="What came with the token: `TG-…`. It is replaced whenever the token is."
    )
    webhook_secret: Secret | None = Field(
        default=None, description="The secret that signs notifications (`x-signature`). Without it nothing is let in."
    )
    base_url: BaseUrl = Field(default="https://api.mercadolibre.com", description="Where the API is.")


class MercadoLivre(ChannelType):
    """Answers the questions that buyers ask on Mercado Livre's item pages.

    `to` is the question's id, as the notification's `resource` has it: `/questions/11751825075`, or the number alone.
    `message` is a text of at most 2000 characters.

    A question is answered once: a second answer fails as `already_answered`. Where the answer to an attempt was lost
    on the way, the next one finds the question answered, compares the text, and completes if it is this one.

    Where to get it: your application on developers.mercadolivre.com.br gives tokens by OAuth (scopes `write` and
    `offline_access`). A token lives for 6 hours. With `client_id`, `client_secret` and `refresh_token` the channel gets
    itself a new one when the old one is refused, and keeps the new refresh token, which nothing else may use then.
    """

    name = "mercado_livre"
    provider = "mercado_livre"
    Credentials = MercadoLivreCredentials
    example = MappingProxyType(
        {
            "access_token": "APP_USR-1234...",
            "client_id": "1234567890123456",
            "client_secret": "Zp9a...",
            "refresh_token": "TG-5b9032b4...",
        }
    )
    example_to = "11751825075"
    example_message = "Yes, it is available."

    def check(self, credentials: JsonObject) -> JsonObject:
        """Also hold together what a token is renewed with. Raises `InvalidInputError`."""
        checked = super().check(credentials)
        missing = [name for name in _RENEWAL if checked[name] is None]
        if missing and len(missing) < len(_RENEWAL):
            wanted = "is required: a token is renewed with client_id, client_secret and refresh_token together"
            issues = [Issue(name, wanted) for name in missing]
            raise InvalidInputError("; ".join(map(str, issues)), issues)
        return checked

    async def renewed(self, credentials: Mapping[str, Any], failed: Failed, http: HttpClient) -> JsonObject | None:
        """A new token and refresh token for the ones that were refused. Raises `RenewalError`, `HttpError`."""
        details = failed.details if isinstance(failed.details, dict) else {}
        if details.get("status") != 401 or credentials["refresh_token"] is None:
            return None
        form = urlencode({"grant_type": "refresh_token", **{name: credentials[name] for name in _RENEWAL}})
        headers = {"content-type": "application/x-www-form-urlencoded"}
        answer = await post_bytes(
            http, "POST", f"{credentials['base_url']}/oauth/token", form.encode(), headers=headers
        )
        match answer.document:
            case {"access_token": str(access), "refresh_token": str(refresh)} if answer.ok:
                return {"access_token": access, "refresh_token": refresh}
        said = answer.fields.get("error") or answer.status
        raise RenewalError(f"Mercado Livre gives no new token ({said}): set the channel anew")

    def inbound_auth(self, credentials: JsonObject) -> InboundAuth | None:
        """The signature of notifications, if there is a secret."""
        secret = credentials.get("webhook_secret")
        return InboundAuth("mercado_livre", (str(secret).encode(),)) if secret else None

    async def send(self, delivery: Delivery, http: HttpClient) -> Outcome:
        """Post the answer. Raises `HttpError`, `UnsendableError`."""
        question, text = _question(delivery), only_text(delivery, _LONGEST)
        given = delivery.credentials
        headers = bearer(given["access_token"])
        url = f"{given['base_url']}/answers"
        answer = await call(http, "POST", url, {"question_id": question, "text": text}, headers=headers)
        if answer.ok:
            known = answer.fields.get("id")
            return sent(known, answer.document) if known is not None else unreadable(answer, "Mercado Livre")
        found = _refused(answer)
        if found.type == "already_answered" and delivery.attempt > 1:
            ours = await _is_ours(http, f"{given['base_url']}/questions/{question}?api_version=4", headers, text)
            return ours or found
        return found


def _question(delivery: Delivery) -> int:
    text = needs_to(delivery, "the question's id").removeprefix("/questions/").strip()
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_ID):
        raise UnsendableError("`to` must be a question's id: a number, or /questions/ and a number")
    return int(text)


async def _is_ours(http: HttpClient, url: str, headers: Mapping[str, str], text: str) -> Completed | None:
    """The success of an earlier attempt, if it is that which answered the question."""
    try:
        answer = await call(http, "GET", url, headers=headers)
    except HttpError:
        return None
    if answer.ok and answer.part("answer").get("text") == text:
        return sent(answer.fields.get("id"), answer.document)
    return None


def _refused(answer: Answer) -> Failed:
    error = answer.fields.get("error")
    if not isinstance(error, str):
        return failed(answer, f"Mercado Livre answered with the status {answer.status}")
    said = answer.fields.get("message")
    details: JsonObject = {"error": error, "message": str(said), "cause": answer.fields.get("cause")}
    found = failed(answer, f"Mercado Livre refused the answer ({error}): {said}", details)
    found.type = _MEANINGS.get(error, found.type)
    if answer.status == 404:
        found.type = "invalid_recipient"
    return found
