"""Errors as RFC 9457 problem documents."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException

from flowrun import errors
from flowrun.api.replies import JsonReply
from flowrun.commands.idempotency import IdempotencyKeyReusedError
from flowrun.commands.receive_webhook import DeliveryFailedError, MethodNotAllowedError

_log = logging.getLogger(__name__)

_STATUS: Mapping[type[errors.FlowrunError], int] = {
    errors.MalformedError: 400,
    errors.UnauthenticatedError: 401,
    errors.ForbiddenError: 403,
    errors.NotFoundError: 404,
    MethodNotAllowedError: 405,
    errors.ConflictError: 409,
    errors.GoneError: 410,
    errors.TooLargeError: 413,
    errors.InvalidInputError: 422,
    IdempotencyKeyReusedError: 422,
    errors.TooManyRequestsError: 429,
    errors.UnavailableError: 503,
}
_CODES = {404: "not-found", 405: "method-not-allowed", 400: "malformed"}


class RequestTimeoutError(errors.FlowrunError):
    """The request's body did not arrive in time."""

    code = "request-timeout"


class UnsupportedMediaTypeError(errors.FlowrunError):
    """This content type is not accepted."""

    code = "unsupported-media-type"


_OWN_STATUS: Mapping[type[errors.FlowrunError], int] = {RequestTimeoutError: 408, UnsupportedMediaTypeError: 415}


class ProblemReply(JsonReply):
    """A problem document."""

    media_type = "application/problem+json"


def problem(code: str, status: int, detail: str, headers: Mapping[str, str] | None = None, **more: Any) -> ProblemReply:  # noqa: ANN401
    """A problem of a stable `type`; `more` are members beside the standard ones."""
    document = {
        "type": f"urn:flowrun:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **more,
    }
    return ProblemReply(document, status, headers=dict(headers or {}))


def problem_of(error: Exception) -> ProblemReply:
    """The answer to an error. What was not foreseen is logged, and nothing of it is told."""
    if isinstance(error, errors.FlowrunError):
        status = status_of(error)
        if status < 500 or isinstance(error, errors.UnavailableError):
            return problem(error.code, status, str(error), _headers(error), **_members(error))
        # Whoever may call a webhook must not fill the log, and the log of deliveries tells the rest.
        _log.error("A request failed: %s", error, exc_info=None if isinstance(error, DeliveryFailedError) else error)
        return problem(error.code, status, (type(error).__doc__ or "").strip().splitlines()[0])
    if isinstance(error, HTTPException):
        code = _CODES.get(error.status_code, "http")
        return problem(code, error.status_code, _detail(error), error.headers)
    _log.error("A request failed unexpectedly", exc_info=error)
    return problem("internal", 500, "Something went wrong in flowrun; its log says what.")


def status_of(error: errors.FlowrunError) -> int:
    """The HTTP status of an error: that of the nearest class that has one."""
    for cls in type(error).__mro__:
        status = _STATUS.get(cls) or _OWN_STATUS.get(cls)
        if status is not None:
            return status
    return 500


def _headers(error: errors.FlowrunError) -> dict[str, str]:
    if isinstance(error, errors.UnauthenticatedError):
        return {"www-authenticate": 'Bearer realm="flowrun"'}
    if isinstance(error, MethodNotAllowedError):
        return {"allow": ", ".join(sorted(error.allowed))}
    if isinstance(error, errors.TooManyRequestsError):
        return {"retry-after": str(error.retry_after)}
    if isinstance(error, errors.UnavailableError):
        return {"retry-after": "1"}
    if isinstance(error, (RequestTimeoutError, errors.TooLargeError)):
        # The rest of the body is not read: the connection is of no further use.
        return {"connection": "close"}
    return {}


def _members(error: errors.FlowrunError) -> dict[str, Any]:
    if not isinstance(error, errors.InvalidInputError):
        return {}
    return {"errors": [_issue(issue) for issue in error.issues]}


def _issue(issue: errors.Issue) -> dict[str, str]:
    found = {"path": issue.path, "message": issue.message}
    if issue.suggestion is not None:
        found["suggestion"] = issue.suggestion
    return found


def _detail(error: HTTPException) -> str:
    return {404: "There is nothing at this address.", 405: "This address doesn't take that method."}.get(
        error.status_code, error.detail
    )
