"""The errors that flowrun raises on purpose; a class's docstring is its default message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that is wrong in what a user sent: where it is, what it is, and what may have been meant."""

    path: str
    message: str
    suggestion: str | None = None

    def __str__(self) -> str:
        hint = f" (did you mean {self.suggestion!r}?)" if self.suggestion else ""
        return f"{self.path}: {self.message}{hint}" if self.path else f"{self.message}{hint}"


class FlowrunError(Exception):
    """Something in flowrun went wrong."""

    code: ClassVar[str] = "internal"
    """The stable name that clients match on (the last part of a problem's `type`)."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip().splitlines()[0])


class InvalidInputError(FlowrunError):
    """What was sent is not valid."""

    code = "validation"

    def __init__(self, message: str | None = None, issues: Sequence[Issue] = ()) -> None:
        super().__init__(message)
        self.issues = tuple(issues)


def in_full(error: FlowrunError) -> str:
    """The message with everything that is wrong, in one line."""
    issues = error.issues if isinstance(error, InvalidInputError) else ()
    return "; ".join([str(error), *map(str, issues)])


class MalformedError(FlowrunError):
    """What was sent cannot be read."""

    code = "malformed"


class TooLargeError(FlowrunError):
    """What was sent is larger than the limit."""

    code = "too-large"


class UnauthenticatedError(FlowrunError):
    """No valid API key was given."""

    code = "unauthenticated"


class ForbiddenError(FlowrunError):
    """This key may not do that."""

    code = "forbidden"


class NotFoundError(FlowrunError):
    """There is no such thing."""

    code = "not-found"


class ConflictError(FlowrunError):
    """That is not possible in the present state."""

    code = "conflict"


class GoneError(FlowrunError):
    """It was there, and is no more."""

    code = "gone"


class TooManyRequestsError(FlowrunError):
    """That is too much at once; try again later."""

    code = "too-many-requests"

    def __init__(self, message: str | None = None, *, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Whole seconds, at least 1."""


class UnavailableError(FlowrunError):
    """The service cannot take this now; try again."""

    code = "unavailable"


class ConfigurationError(FlowrunError):
    """The configuration is not valid."""

    code = "configuration"
