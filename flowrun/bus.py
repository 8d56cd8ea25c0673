"""The mediator: one way in for every command and every query, with the same checks for each.

A message is a dataclass that says what it gives back (`Command[R]`, `Query[R]`); its handler is an async function
of the message and the context. Which handler serves which message stands in the two catalogues
(`flowrun.commands.COMMANDS`, `flowrun.queries.QUERIES`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Generic, TypeVar, cast

from flowrun.errors import ConfigurationError, ForbiddenError, NotFoundError

R = TypeVar("R")


class Scope(StrEnum):
    """What a key may do."""

    READ = "read"
    RUN = "run"
    WRITE = "write"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. `tenant_id` None is the operator, who may do everything for every tenant."""

    name: str
    tenant_id: str | None = None
    scopes: frozenset[Scope] = field(default_factory=lambda: frozenset(Scope))

    def may(self, scope: Scope) -> bool:
        """Whether the scope was granted."""
        return scope in self.scopes


OPERATOR = Principal("operator")
SYSTEM = Principal("system")
"""The engine itself: results, timers, recovery."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message(Generic[R]):
    """Something that is asked of flowrun."""

    scope: ClassVar[Scope]
    """What the principal must have been granted."""
    operator_only: ClassVar[bool] = False

    def check(self) -> None:
        """Raise `InvalidInputError` when the message makes no sense in itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(Message[R]):
    """A message that changes something. A repeated `idempotency_key` is answered as the first time."""

    replayable: ClassVar[bool] = True
    """False: the command has its own way with keys, or needs none."""
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query(Message[R]):
    """A message that only reads."""


Handler = Callable[[Any, Any, Principal], Awaitable[Any]]
"""`async handle(message, context, principal)`."""
Guard = Callable[[Message[Any], Principal], None]
"""Raises what keeps a message from its handler."""
Middleware = Callable[[Command[Any], Principal, Handler, Any], Awaitable[Any]]
"""`async middleware(command, principal, handler, context)`, around the handlers of replayable commands."""


def validate(message: Message[Any], _principal: Principal) -> None:
    """Let a message that makes no sense go no further."""
    message.check()


def authorise(message: Message[Any], principal: Principal) -> None:
    """Hold back what the principal wasn't granted; a foreign tenant's things don't exist for it."""
    if principal.tenant_id is not None:
        if message.operator_only:
            raise ForbiddenError("Only the operator may do that")
        tenant = getattr(message, "tenant_id", principal.tenant_id)
        if tenant != principal.tenant_id:
            raise NotFoundError("There is no such tenant, or this key doesn't belong to it")
    if not principal.may(message.scope):
        raise ForbiddenError(f"This key lacks the scope {message.scope.value!r}")


class Mediator:
    """Brings each message to its handler: past the guards, in order, and through the middleware."""

    def __init__(
        self,
        catalogues: Sequence[Mapping[type[Message[Any]], Handler]],
        guards: Sequence[Guard],
        middleware: Middleware,
        context: object,
    ) -> None:
        self._context = context
        self._guards = tuple(guards)
        self._calls: dict[type[Message[Any]], Handler] = {}
        for catalogue in catalogues:
            for kind, handler in catalogue.items():
                if kind in self._calls:
                    raise ConfigurationError(f"Two handlers for {kind.__name__}")
                wrapped = issubclass(kind, Command) and kind.replayable
                self._calls[kind] = _wrapped(middleware, handler) if wrapped else handler

    async def send(self, message: Message[R], principal: Principal) -> R:
        """Give what the handler gives; raises whatever it or a guard raises."""
        for guard in self._guards:
            guard(message, principal)
        return cast("R", await self._calls[type(message)](message, self._context, principal))

    @property
    def messages(self) -> list[type[Message[Any]]]:
        """Every message that can be sent."""
        return list(self._calls)


def _wrapped(middleware: Middleware, handler: Handler) -> Handler:
    async def call(message: Any, context: Any, principal: Principal) -> Any:  # noqa: ANN401
        return await middleware(message, principal, handler, context)

    return call
