"""Every channel type with its stand-in, its credentials, and what to send: what contract tests go through."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from support import channel_stand_ins as stand_ins
from support.channel_stand_ins import BOT_TOKEN, SIGNING, TOKEN, Provider
from support.smtp_server import PASSWORD, USER, SmtpServer

from flowrun.channels import CHANNEL_TYPES
from flowrun.channels.sender import TenantChannels
from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import Outcome
from flowrun.errors import NotFoundError
from flowrun.nodes.http_client import HttpClient, HttpRequest, HttpResponse
from flowrun.nodes.job import NodeJob
from flowrun.nodes.registry import builtin_types
from flowrun.ports import StoredChannel

SEND = builtin_types().get("send")
LOOPBACK = ("127.0.0.1",)


class Hasty(HttpClient):
    """A client that waits for no answer longer than it takes to see that none comes."""

    async def send(self, request: HttpRequest) -> HttpResponse:
        return await super().send(replace(request, timeout=0.2))


@dataclass
class Rows:
    """Channels in memory, as `flowrun.ports.Channels` gives them."""

    channels: dict[str, StoredChannel] = field(default_factory=dict)
    disabled: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, kind: str, credentials: Mapping[str, Any], status: str = "active", reason: str | None = None) -> None:
        self.channels[kind] = StoredChannel("id", "acme", kind, kind, status, reason, dict(credentials))

    async def get(self, tenant_id: str, name: str) -> StoredChannel:
        if name not in self.channels or tenant_id != "acme":
            raise NotFoundError(f"There is no channel {name}")
        return self.channels[name]

    async def renew(self, channel: StoredChannel, credentials: JsonObject) -> None:
        self.channels[channel.name] = replace(channel, credentials=credentials)

    async def disable(self, tenant_id: str, name: str, reason: str) -> None:
        self.disabled.append((tenant_id, name, reason))


async def send(rows: Rows, http: HttpClient, channel: str, to: object, message: object, attempt: int = 1) -> Outcome:
    """Run a `send` node through the real sender."""
    params = SEND.check({"channel": channel, "to": to, "message": message})
    job = NodeJob(params, None, "e1", "acme", "w", "n", "", attempt, "e1:n:0")
    return await TenantChannels(rows, http, rows.disable, rows.renew).send(job)


class SmtpProvider(Provider):
    """A mail server in the clothes of a provider."""

    def __init__(self, **settings: Any) -> None:  # No HTTP server is made.
        self.wrong: list[str] = []
        self.smtp = SmtpServer(**settings)

    @property
    def calls(self) -> list[object]:
        return [*self.smtp.letters, *self.smtp.logins]

    def __enter__(self):
        self.smtp.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.smtp.__exit__()

    def plan(self, *failures: str) -> None:
        replies = {
            "transient": {"RCPT": "451 4.3.0 Try again later"},
            "permanent": {"RCPT": "550 5.1.1 No such user"},
            "echo": {"MAIL": "554 5.7.1 You said {password}"},
        }
        self.smtp.replies |= replies[failures[0]]

    def hold(self) -> None:
        self.smtp.silent = True


@dataclass(frozen=True)
class Subject:
    """One type, and what it is tried with."""

    name: str
    provider: Callable[[], Provider]
    credentials: Callable[[Any], JsonObject]
    to: str | None
    message: Any
    permanent: str
    """The type of the failure that the stand-in's `permanent` is."""
    path: str = ""
    """Where its requests go."""


def _at(port: int, **more: Any) -> JsonObject:
    return {
        "host": "127.0.0.1", "port": port, "security": "none", "user": USER, "password": PASSWORD,
        "from": "Shop <no-reply@example.com>", **more,
    }  # fmt: skip


SUBJECTS = {
    subject.name: subject
    for subject in (
        Subject(
            "whatsapp",
            stand_ins.WhatsappProvider,
            lambda p: {"phone_number_id": "106540352242922", "access_token": TOKEN, "base_url": p.url},
            "5511999998888",
            "olá",
            "window_closed",
            "/v24.0/106540352242922/messages",
        ),
        Subject(
            "instagram",
            lambda: stand_ins.SendApiProvider("/v24.0/17841405822304914/messages", messaging_type=None),
            lambda p: {"account_id": 17841405822304914, "access_token": TOKEN, "base_url": p.url},
            "525731499855322",
            "olá",
            "window_closed",
            "/v24.0/17841405822304914/messages",
        ),
        Subject(
            "messenger",
            lambda: stand_ins.SendApiProvider("/v24.0/me/messages", messaging_type="RESPONSE"),
            lambda p: {"access_token": TOKEN, "base_url": p.url},
            "7061287400642312",
            "olá",
            "window_closed",
            "/v24.0/me/messages",
        ),
        Subject(
            "mercado_livre",
            stand_ins.MercadoLivreProvider,
            lambda p: {"access_token": TOKEN, "base_url": p.url},
            "/questions/11751825075",
            "Sim!",
            "already_answered",
            "/answers",
        ),
        Subject(
            "telegram",
            stand_ins.TelegramProvider,
            lambda p: {"bot_token": BOT_TOKEN, "base_url": p.url},
            "1111111",
            "olá",
            "recipient_unavailable",
            f"/bot{BOT_TOKEN}/sendMessage",
        ),
        Subject(
            "slack",
            stand_ins.SlackProvider,
            lambda p: {"bot_token": TOKEN, "base_url": f"{p.url}/api"},
            "C123ABC456",
            "olá",
            "invalid_recipient",
            "/api/chat.postMessage",
        ),
        Subject("email", SmtpProvider, lambda p: _at(p.smtp.port), "ana@example.com", "olá", "invalid_recipient"),
        Subject(
            "apprise",
            stand_ins.NotificationReceiver,
            lambda p: {"url": f"json://127.0.0.1:{p.server.port}/topic-with-secret"},
            None,
            "olá",
            "message_rejected",
            "/topic-with-secret",
        ),
        Subject(
            "callback",
            stand_ins.CallbackReceiver,
            lambda p: {"url": f"{p.url}/hook", "secrets": [SIGNING], "headers": {"X-Key": "key-0123456789"}},
            None,
            {"type": "order.shipped", "data": {"order": "A-17"}},
            "endpoint_gone",
            "/hook",
        ),
    )
}
assert SUBJECTS.keys() == CHANNEL_TYPES.keys()


@contextmanager
def channel(subject: Subject) -> Iterator[tuple[Provider, Rows]]:
    """The stand-in, and a channel that leads there; afterwards nothing was wrong."""
    with subject.provider() as provider:
        rows = Rows()
        rows.add(subject.name, subject.credentials(provider))
        yield provider, rows
        assert provider.wrong == []
