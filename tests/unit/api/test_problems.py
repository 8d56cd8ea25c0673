"""Errors as problem documents."""

from __future__ import annotations

import orjson
import pytest
from starlette.exceptions import HTTPException

from flowrun import errors
from flowrun.api.problems import RequestTimeoutError, UnsupportedMediaTypeError, problem_of
from flowrun.commands.idempotency import IdempotencyKeyReusedError, KeyInFlightError
from flowrun.commands.receive_webhook import DeliveryFailedError, MethodNotAllowedError
from flowrun.domain.expression import ExpressionSyntaxError


def test_what_the_log_of_deliveries_tells_is_one_line_in_the_services_log(caplog):
    problem_of(DeliveryFailedError())
    problem_of(RuntimeError("a bug"))
    assert [bool(record.exc_info) for record in caplog.records] == [False, True]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.MalformedError(), 400, "malformed"),
        (errors.UnauthenticatedError(), 401, "unauthenticated"),
        (errors.ForbiddenError(), 403, "forbidden"),
        (errors.NotFoundError(), 404, "not-found"),
        (MethodNotAllowedError(frozenset({"PUT"})), 405, "method-not-allowed"),
        (RequestTimeoutError(), 408, "request-timeout"),
        (errors.ConflictError(), 409, "conflict"),
        (KeyInFlightError(), 409, "conflict"),
        (errors.TooLargeError(), 413, "too-large"),
        (UnsupportedMediaTypeError(), 415, "unsupported-media-type"),
        (errors.InvalidInputError(), 422, "validation"),
        (ExpressionSyntaxError("x"), 422, "expression_syntax"),
        (IdempotencyKeyReusedError(), 422, "idempotency_key_reused"),
        (DeliveryFailedError(), 500, "delivery-failed"),
        (errors.UnavailableError(), 503, "unavailable"),
        (HTTPException(404), 404, "not-found"),
        (RuntimeError("the password is hunter2"), 500, "internal"),
    ],
)
def test_every_error_has_a_status_and_a_stable_type(error, status, code):
    reply = problem_of(error)
    document = orjson.loads(reply.body)
    assert reply.headers["content-type"] == "application/problem+json"
    assert (reply.status_code, document["status"], document["type"]) == (status, status, f"urn:flowrun:problem:{code}")
    assert document["title"]
    assert "hunter2" not in document["detail"]


def test_what_was_not_foreseen_is_logged(caplog):
    problem_of(RuntimeError("the disk is on fire"))
    assert "the disk is on fire" in caplog.text


def test_headers_that_belong_to_a_status():
    assert problem_of(errors.UnauthenticatedError()).headers["www-authenticate"].startswith("Bearer")
    assert problem_of(errors.UnavailableError()).headers["retry-after"] == "1"
    assert problem_of(MethodNotAllowedError(frozenset({"PUT", "GET"}))).headers["allow"] == "GET, PUT"


def test_issues_are_listed():
    error = errors.InvalidInputError("bad", [errors.Issue("a.b", "is wrong", "c"), errors.Issue("", "empty")])
    assert orjson.loads(problem_of(error).body)["errors"] == [
        {"path": "a.b", "message": "is wrong", "suggestion": "c"},
        {"path": "", "message": "empty"},
    ]
