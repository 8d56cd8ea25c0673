"""E-mail over SMTP, through the library Apprise."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from flowrun.channels.addresses import Address, MailAddress, mail_address
from flowrun.channels.base import ChannelType, Delivery, UnsendableError
from flowrun.channels.calls import sent
from flowrun.channels.fields import Secret, Text
from flowrun.channels.messages import delivery_id, needs_to, text_or_object
from flowrun.channels.notify import NOT_INSTALLED, Notice, Told, tell
from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import Failed, Outcome
from flowrun.errors import InvalidInputError, Issue
from flowrun.nodes.http_client import HttpClient
from flowrun.nodes.params import NOT_GIVEN, ParamsModel, validation_issues

_LONGEST = 500_000
_REPLY = re.compile(r"\((\d{3}), b")
_MOST_RECIPIENTS = 100
_PORTS = MappingProxyType({"starttls": 587, "ssl": 465, "none": 25})
_MODES = MappingProxyType({"starttls": "starttls", "ssl": "ssl", "none": "insecure"})
_PARTLY = re.compile(r"was refused: (\d{3}) ")
_ANY = "flowrun@example.com"
"""What the library is made with, until it is told where the letter really goes."""
_LOGIN = frozenset({530, 534, 535, 538})


Host = Annotated[str, Field(pattern=r"^[A-Za-z0-9.:-]{1,253}$")]


class EmailCredentials(ParamsModel):
    """What an e-mail channel needs."""

    host: Host = Field(description="The mail server.")
    port: int | None = Field(
        default=None, ge=1, le=65535, description="Its port; if not given 587, with `ssl` 465, with `none` 25."
    )
    security: Literal["starttls", "ssl", "none"] = Field(
        default="starttls", description="How the connection is protected. `none` sends the password in the clear."
    )
    user: Text | None = Field(default=None, description="Who logs in; left out where the server asks for no login.")
    password: Secret | None = Field(default=None, description="The password, or an app password.")
    from_: Address = Field(alias="from", description="Who it comes from: `Shop <no-reply@example.com>`.")
    reply_to: Address | None = Field(default=None, description="Where answers go, if not there.")


class Letter(ParamsModel):
    """What `message` may have."""

    subject: Annotated[Text, Field(max_length=500)] = "Message"
    text: Annotated[str, Field(min_length=1, max_length=_LONGEST)] = NOT_GIVEN
    html: Annotated[str, Field(min_length=1, max_length=_LONGEST)] = NOT_GIVEN
    cc: list[Address] = Field(default=[], max_length=_MOST_RECIPIENTS)
    bcc: list[Address] = Field(default=[], max_length=_MOST_RECIPIENTS)
    reply_to: Address | None = None


class Email(ChannelType):
    """Sends e-mail over SMTP.

    `to` is an address, or several separated by commas. `message` is a text, or an object with `subject`, either `text`
    or `html` (which is sent with its plain text beside it), `cc`, `bcc` (lists) and `reply_to`:
    `{"subject": "Your order", "html": "<p>It is on its way.</p>"}`. A text has the subject `Message`.

    The output's `message_id` is also the header `X-Flowrun-Delivery`, the same for every attempt: SMTP has nothing by
    which a server knows a letter again, so one whose answer was lost on the way is sent twice. Each of several
    recipients gets a letter of its own, and an attempt that runs again sends to all of them.

    It needs the library Apprise: `pip install 'flowrun[notify]'`. Where to get it: your provider's page on SMTP; Gmail
    and Outlook want an app password. Private addresses are refused unless `FLOWRUN_HTTP_ALLOW` has them.
    """

    name = "email"
    Credentials = EmailCredentials
    example = MappingProxyType(
        {
            "host": "smtp.example.com",
            "user": "no-reply@example.com",
            "password": "an app password",
            "from": "Shop <no-reply@example.com>",
        }
    )
    example_to = "ana@example.com"
    example_message = MappingProxyType({"subject": "Your order", "text": "It is on its way."})

    def check(self, credentials: JsonObject) -> JsonObject:
        """Also hold together what a login needs. Raises `InvalidInputError`."""
        checked = super().check(credentials)
        if (checked["user"] is None) != (checked["password"] is None):
            missing = "user" if checked["user"] is None else "password"
            issue = Issue(missing, "is required: a login needs user and password")
            raise InvalidInputError(str(issue), [issue])
        return checked

    async def send(self, delivery: Delivery, http: HttpClient) -> Outcome:
        """Hand the letter to the server. Raises `UnsendableError`."""
        letter = _letter(delivery)
        given: Mapping[str, Any] = delivery.credentials
        to = [_recipient(one) for one in needs_to(delivery, "an address").split(",") if one.strip()]
        if not 0 < len(to) <= _MOST_RECIPIENTS:
            raise UnsendableError(f"`to` must have 1 to {_MOST_RECIPIENTS} addresses")
        message_id = delivery_id(delivery)
        notice = Notice(letter.html or letter.text, letter.subject, format="html" if letter.html else "text")
        # Who gets a copy gets one, however many the letter is for.
        for some, cc, bcc in ((to[:1], letter.cc, letter.bcc), (to[1:], [], [])):
            envelope = _Envelope(some, cc, bcc, letter.reply_to or given["reply_to"])
            told = await tell(partial(_service, given, envelope, message_id), notice, http.allow) if some else _NOTHING
            if told is None:
                return NOT_INSTALLED
            if not told.done:
                return _refused(told, several=len(to) > 1)
        return sent(message_id, {"to": list(to)})


@dataclass(frozen=True, slots=True)
class _Envelope:
    """Where a letter goes."""

    to: list[str]
    cc: list[str]
    bcc: list[str]
    reply_to: str | None


_NOTHING = Told(done=True)


def _service(given: Mapping[str, Any], envelope: _Envelope, message_id: str, asset: Any) -> Any:  # noqa: ANN401 - the library's
    """What the library sends with; None when that can't be made of what was given."""
    import apprise  # noqa: PLC0415 - an extra

    service: Any = apprise.Apprise.instantiate(
        {
            "schema": "mailto" if given["security"] == "none" else "mailtos",
            "host": given["host"],
            "smtp_host": given["host"],
            "port": given["port"] or _PORTS[given["security"]],
            "secure_mode": _MODES[given["security"]],
            "user": given["user"],
            "password": given["password"],
            "from_addr": _ANY,
            "targets": [_ANY],
            "headers": {"X-Flowrun-Delivery": message_id},
        },
        asset=asset,
    )
    if service is not None:
        _address(service, mail_address(given["from"]), envelope)
    return service


def _address(service: Any, sender: MailAddress, envelope: _Envelope) -> None:  # noqa: ANN401 - the library's own
    """Let it go to whom we read: the library has a way of its own, and takes parts of an address for another one."""
    to, cc, bcc = ([mail_address(one) for one in some] for some in (envelope.to, envelope.cc, envelope.bcc))
    reply_to = [] if envelope.reply_to is None else [mail_address(envelope.reply_to)]
    service.from_addr, service.targets = list(sender), [tuple(one) for one in to]
    service.cc, service.bcc, service.reply_to = ({one.address for one in some} for some in (cc, bcc, reply_to))
    service.names = {one.address: one.name for one in (sender, *to, *cc, *bcc, *reply_to)}


def _letter(delivery: Delivery) -> Letter:
    message = text_or_object(delivery, _LONGEST)
    raw: JsonObject = {"text": message} if isinstance(message, str) else message
    try:
        letter = Letter.model_validate(raw)
    except ValidationError as error:
        issues = [str(issue) for issue, _ in validation_issues(Letter, raw, error)]
        raise UnsendableError(f"`message` is no letter: {'; '.join(issues)}") from None
    if bool(letter.text) == bool(letter.html):
        raise UnsendableError("`message` must have either `text` or `html`")
    return letter


def _recipient(text: str) -> str:
    try:
        mail_address(text)
    except ValueError:
        raise UnsendableError("`to` must be an address, or several separated by commas") from None
    return text.strip()


def _refused(told: Told, *, several: bool) -> Failed:
    """The failure of a letter, by the reply of the server that the library's log shows."""
    if told.refused is not None:
        return told.refused.outcome()
    log = "\n".join(told.lines)
    if partly := _PARTLY.search(log):
        # Others have the letter already, so it must not be sent again.
        return _partly_refused(told, int(partly[1]))
    reply = _REPLY.search(log)
    code = int(reply[1]) if reply else None
    if code is None:
        kind, retryable = _without_reply(log, made=told.made)
    elif code in _LOGIN:
        kind, retryable = "channel_unauthorized", False
    elif 400 <= code < 500:
        kind, retryable = "provider_unavailable", True
    else:
        # Refused recipients are shown by their addresses, anything else is a reply alone.
        kind, retryable = ("invalid_recipient" if "': (" in log else "message_rejected"), False
    said = next((line for line in told.shown if line.startswith("Socket Exception")), "; ".join(told.shown))
    what = "every letter" if several else "the letter"
    message = f"The mail server didn't take {what}: {said.removeprefix('Socket Exception: ')}"
    return Failed(kind, message, retryable=retryable, details={"code": code, "log": list(told.shown)})


def _partly_refused(told: Told, code: int) -> Failed:
    said = next(line for line in told.shown if _PARTLY.search(line))
    details: JsonObject = {"code": code, "log": list(told.shown)}
    return Failed(
        "invalid_recipient", f"The mail server took the letter, but not for everybody: {said}", details=details
    )


def _without_reply(log: str, *, made: bool) -> tuple[str, bool]:
    if not made or "not supported" in log or "CERTIFICATE_VERIFY_FAILED" in log:
        return "invalid_credentials", False
    return "connection_error", True
