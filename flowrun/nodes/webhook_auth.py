"""The `auth` param of webhooks: who may call, proven by secrets that are named, never written out."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from flowrun.nodes.fields import Seconds
from flowrun.nodes.params import ParamsModel

_NAME = r"[A-Za-z][A-Za-z0-9_]{0,99}"
_REFERENCE = re.compile(rf"\{{\{{\s*secrets\.({_NAME})\s*\}}\}}")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
CHANNEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
CHANNEL_NAME_RULE = "1 to 64 letters, digits, _ . or -, the first one a letter or digit"
_NOT_HERE = (
    "must name a stored secret, such as '{{ secrets.GITHUB_SECRET }}': definitions can be read, "
    "so a secret itself has no place in them; store it with `flowrun secrets set NAME`"
)


def _reference(value: object) -> str:
    """`{{ secrets.NAME }}` in one spelling."""
    match = _REFERENCE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(_NOT_HERE)
    return f"{{{{ secrets.{match[1]} }}}}"


def _name(value: object) -> str:
    text = value.strip() if isinstance(value, str) else ""
    match = _REFERENCE.fullmatch(text)
    if match is not None:
        return match[1]
    if not re.fullmatch(_NAME, text):
        raise ValueError(_NOT_HERE)
    return text


def _header(value: object) -> str:
    if not isinstance(value, str) or not _HEADER.fullmatch(value):
        raise ValueError("must be the name of a header")
    return value.lower()


def _channel(value: object) -> str:
    if not isinstance(value, str) or not CHANNEL_NAME.fullmatch(value):
        raise ValueError(f"must be the name of a channel: {CHANNEL_NAME_RULE}")
    return value


SecretReference = Annotated[str, BeforeValidator(_reference)]
SecretName = Annotated[str, BeforeValidator(_name)]
HeaderName = Annotated[str, BeforeValidator(_header)]
ChannelName = Annotated[str, BeforeValidator(_channel)]
Tolerance = Annotated[Seconds, Field(gt=0, le=3600)]


class NoAuth(ParamsModel):
    """Everyone who knows the address may call."""

    type: Literal["none"]


class _SecretAuth(ParamsModel):
    """What every scheme has: one secret, or two while one replaces the other."""

    secret: SecretReference | None = None
    secrets: list[SecretName] = Field(default=[], max_length=2)

    @model_validator(mode="after")
    def _one_form(self) -> _SecretAuth:
        if self.secret is not None and self.secrets:
            raise ValueError("give either `secret` or `secrets`, not both")
        if self.secret is None and not self.secrets:
            raise ValueError(
                "lacks its secret: name a stored one as `secrets: [NAME]`, or two while one replaces the other"
            )
        if self.secret is not None:
            self.secrets, self.secret = [_name(self.secret)], None
        return self


class BearerAuth(_SecretAuth):
    """A token in `Authorization: Bearer …`, or as the whole value of another header."""

    type: Literal["bearer"]
    header: HeaderName = "authorization"


class BasicAuth(_SecretAuth):
    """`Authorization: Basic …`; the secret is the password."""

    type: Literal["basic"]
    username: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^:]*$")]


class HmacAuth(_SecretAuth):
    """Any HMAC over the body, or over a template of timestamp and body."""

    type: Literal["hmac"]
    header: HeaderName
    algorithm: Literal["sha1", "sha256", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: Annotated[str, Field(max_length=50)] = ""
    timestamp_header: HeaderName | None = None
    tolerance: Tolerance = 300.0
    payload: Annotated[str, Field(max_length=200)] | None = None

    @model_validator(mode="after")
    def _signs_what_it_says(self) -> HmacAuth:
        if self.payload is None:
            self.payload = "{body}" if self.timestamp_header is None else "{timestamp}.{body}"
        if self.payload.count("{body}") != 1:
            raise ValueError("has a `payload` without {body}, or with two: what is signed has the body once")
        if ("{timestamp}" in self.payload) != (self.timestamp_header is not None):
            raise ValueError(
                "needs both or neither: `timestamp_header` says where the time is, "
                "{timestamp} in `payload` that it is signed"
            )
        return self


class GithubAuth(_SecretAuth):
    """`X-Hub-Signature-256`."""

    type: Literal["github"]


class TelegramAuth(_SecretAuth):
    """`X-Telegram-Bot-Api-Secret-Token`."""

    type: Literal["telegram"]


class MetaAuth(_SecretAuth):
    """`X-Hub-Signature-256` with the app secret; the token is for the subscription's handshake."""

    type: Literal["meta"]
    verify_token: SecretReference


class TimedAuth(_SecretAuth):
    """Schemes that sign the time too."""

    type: Literal["standard_webhooks", "stripe", "slack", "mercado_livre"]
    tolerance: Tolerance = 300.0


class ChannelAuth(ParamsModel):
    """As the type of the channel says, with the channel's own credentials."""

    type: Literal["channel"]
    channel: ChannelName


_Scheme = Annotated[
    ChannelAuth | NoAuth | BearerAuth | BasicAuth | HmacAuth | GithubAuth | TelegramAuth | MetaAuth | TimedAuth,
    Field(discriminator="type"),
]
SCHEMES = (
    "bearer", "basic", "hmac", "standard_webhooks", "github", "stripe", "slack", "meta", "telegram", "mercado_livre",
)  # fmt: skip
ADVICE = (
    f"write an object such as {{type: github, secrets: [GITHUB_SECRET]}}, of the type {', '.join(SCHEMES[:-1])} "
    f"or {SCHEMES[-1]}; or {{type: channel, channel: NAME}}, where a channel knows its sender; "
    "or `none`, to let everyone call who knows the address"
)


def _written(value: object) -> object:
    if value == "none":
        return {"type": "none"}
    if not isinstance(value, (dict, ParamsModel)):
        raise ValueError(f"must say who may call: {ADVICE}")  # noqa: TRY004 - pydantic wants a ValueError
    return value


def _plain_none(value: object) -> object:
    return "none" if isinstance(value, NoAuth) else value


WebhookAuth = Annotated[
    _Scheme,
    BeforeValidator(_written, json_schema_input_type=Literal["none"] | dict[str, Any]),
    AfterValidator(_plain_none),
]
"""Who may call; becomes `none`, or an object that names stored secrets or a channel."""
