"""The base of all channel types: what credentials a type needs, and how one message goes out through it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from pydantic import ValidationError

from flowrun.channels.fields import is_secret
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.domain.node_type import Failed, Outcome
from flowrun.errors import InvalidInputError, Issue
from flowrun.nodes.http_client import HttpClient
from flowrun.nodes.params import ParamsModel, exclusive_issues, validation_issues


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt at sending one message."""

    credentials: Mapping[str, Any] = field(repr=False)
    """As `check` gave them."""
    to: str | None
    message: JsonValue
    idempotency_key: str
    """The same for every attempt."""
    attempt: int = 1
    """Counts from 1."""


@dataclass(frozen=True, slots=True)
class InboundAuth:
    """How a channel proves who sends what comes in."""

    scheme: str
    """One of `flowrun.triggers.verification.SCHEMES`."""
    secrets: tuple[bytes, ...] = field(repr=False)
    verify_tokens: tuple[bytes, ...] = field(default=(), repr=False)
    """For the handshake by which a subscription is opened."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The scheme's own params."""


class ChannelType(ABC):
    """A channel type. The docstring of a subclass is what its users read; one instance serves all channels."""

    name: ClassVar[str]
    provider: ClassVar[str | None] = None
    """The name in `flowrun.triggers.providers` of what comes in; None when nothing does."""
    Credentials: ClassVar[type[ParamsModel]]
    example: ClassVar[Mapping[str, Any]]
    """Credentials that show what is needed; they validate."""
    example_to: ClassVar[str | None] = None
    example_message: ClassVar[Any] = "Your order is on its way."
    disabling: ClassVar[frozenset[str]] = frozenset()
    """Types of failures after which the channel is of no use to anyone, until somebody looks at it."""

    @property
    def summary(self) -> str:
        """What the type does, in one sentence."""
        return self.help.split("\n\n")[0].replace("\n", " ")

    @cached_property
    def help(self) -> str:
        """What the type does, in full (Markdown)."""
        import inspect  # noqa: PLC0415 - only documentation asks

        return inspect.getdoc(type(self)) or ""

    def check(self, credentials: JsonObject) -> JsonObject:
        """Return the credentials with defaults filled in, names in snake_case.

        Raises `InvalidInputError` with every issue; none of them holds a value.
        """
        issues = exclusive_issues(self.Credentials, credentials)
        try:
            checked = self.Credentials.model_validate(credentials)
        except ValidationError as error:
            said = {issue.path for issue in issues}
            found = [issue for issue, _ in validation_issues(self.Credentials, credentials, error)]
            issues += [_of_credentials(issue) for issue in found if issue.path not in said]
        if issues:
            raise InvalidInputError("; ".join(str(issue) for issue in issues), issues)
        names = self.Credentials.names()
        return {names[name]: value for name, value in checked.model_dump().items()}

    def secrets_of(self, credentials: Mapping[str, Any]) -> set[str]:
        """What of checked credentials nobody may read."""
        values = [credentials.get(name) for name in self.secret_names]
        return {str(text) for value in values for text in (value if isinstance(value, list) else [value]) if text}

    @cached_property
    def secret_names(self) -> frozenset[str]:
        """The credentials that nobody may read."""
        properties = self.Credentials.model_json_schema(by_alias=False)["properties"]
        names = self.Credentials.names()
        return frozenset(names[name] for name, schema in properties.items() if is_secret(schema))

    def inbound_auth(self, credentials: JsonObject) -> InboundAuth | None:  # noqa: ARG002
        """How what comes in is proven, by checked credentials; None when they don't say."""
        return None

    async def renewed(self, credentials: Mapping[str, Any], failed: Failed, http: HttpClient) -> JsonObject | None:  # noqa: ARG002
        """What of the credentials is to be replaced, and by what, after a failure that new ones would mend.

        None where nothing can be done. Raises `RenewalError`, `HttpError`.
        """
        return None

    @abstractmethod
    async def send(self, delivery: Delivery, http: HttpClient) -> Outcome:
        """Make one attempt. May raise `HttpError`, or `UnsendableError` for a message that can never be sent."""


class RenewalError(Exception):
    """The provider gives no new credentials for these; the text says why, and holds none."""


class UnsendableError(Exception):
    """A message, or where it is to go, is nothing that the channel can send; the text says why."""


def _of_credentials(issue: Issue) -> Issue:
    """Speak of credentials where the models speak of params."""
    return Issue(issue.path, issue.message.replace("is not a param", "is no credential of this type"), issue.suggestion)
