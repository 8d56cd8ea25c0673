"""`ANY /resume/{token}`: whoever has the address of a waiting node answers it, with a page or with a request."""

from __future__ import annotations

from starlette.responses import HTMLResponse, Response

from flowrun.api.operation import Call, Operation
from flowrun.api.replies import JsonReply
from flowrun.api.resume_page import Page, ask, say
from flowrun.api.webhook_body import payload
from flowrun.bus import SYSTEM, Principal
from flowrun.commands.execution_commands import SignalExecution
from flowrun.domain.execution import RunKey
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.errors import ConflictError, FlowrunError, GoneError, InvalidInputError, NotFoundError
from flowrun.queries.get_wait import GetWait

_BY = "resume link"
_HEADERS = {
    # The address is a secret of its own: it must not be kept, passed on, or shown within another page.
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-robots-tag": "noindex",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
}
_OVER = "This has been answered, or is no longer waited for."
_EARLY = "This isn't waited for yet. Try again in a moment."


async def look(call: Call) -> Response:
    """Show what is asked; looking never answers."""
    try:
        wait = await _wait(call, _target(call))
        if wait["state"] == "over":
            raise GoneError(_OVER)
    except FlowrunError as error:
        return _refused(call, error)
    if not _wants_page(call):
        shown = {name: wait[name] for name in ("state", "signal", "form", "due_at")}
        return JsonReply(shown, headers=_HEADERS)
    if wait["state"] == "early":
        return _html(say("One moment", _EARLY, again=True), 409)
    return _html(ask(wait))


async def answer(call: Call) -> Response:
    """Let the node go on."""
    key, sent, wait = _target(call), None, None
    try:
        wait = await _wait(call, key)
        if wait["state"] == "over" and call.idempotency_key is None:
            raise GoneError(_OVER)
        sent = payload(call.raw, dict(call.request.headers)) if call.raw else None
        await _signal(call, wait, key[1], sent)
    except InvalidInputError as error:
        if wait is None or not _wants_page(call):
            return _refused(call, error)
        return _html(ask(wait, sent, error.issues), 422)
    except FlowrunError as error:
        return _refused(call, error)
    if _wants_page(call):
        return _html(say("Thank you", "Your answer has been received. You can close this page."))
    return JsonReply({"execution_id": wait["execution_id"], "signal": wait["signal"]}, 202, headers=_HEADERS)


async def _signal(call: Call, wait: JsonObject, key: RunKey, sent: JsonValue) -> None:
    tenant_id, given = str(wait["tenant_id"]), call.idempotency_key
    message = SignalExecution(
        tenant_id=tenant_id,
        execution_id=str(wait["execution_id"]),
        node_id=key[0],
        iteration=key[1],
        data=sent,
        # A key is good for one address: senders count theirs from the beginning for each.
        idempotency_key=None if given is None else f"{wait['execution_id']} {key[0]} {key[1]} {given}",
    )
    try:
        await call.mediator.send(message, Principal(_BY, tenant_id))
    except FlowrunError:
        if wait["state"] == "over":  # Not the same answer once more, which would have been answered alike.
            raise GoneError(_OVER) from None
        raise


async def _wait(call: Call, target: tuple[str, RunKey]) -> JsonObject:
    return await call.mediator.send(GetWait(execution_id=target[0], key=target[1]), SYSTEM)


def _target(call: Call) -> tuple[str, RunKey]:
    target = call.context.links.read(call.path("token"))
    if target is None:
        raise NotFoundError("Nothing waits there")
    return target


def _wants_page(call: Call) -> bool:
    return "text/html" in call.request.headers.get("accept", "")


def _refused(call: Call, error: FlowrunError) -> Response:
    if not _wants_page(call):
        raise error
    if isinstance(error, GoneError):
        return _html(say("Nothing to do", str(error)), 410)
    if isinstance(error, ConflictError):
        return _html(say("That is not possible now", f"{error}."), 409)
    if isinstance(error, NotFoundError):
        return _html(say("Nothing here", "This address is not known here."), 404)
    raise error


def _html(page: Page, status: int = 200) -> Response:
    return HTMLResponse(page, status, headers=_HEADERS)


_ADDRESS = "/resume/{token}"
_ANSWERS = {
    202: "`{execution_id, signal}`, or a page for who accepts HTML.",
    404: "No address of this service.",
    409: "The node doesn't wait yet, or has just been answered.",
    410: "It has been answered, or is no longer waited for.",
    422: "The data doesn't fit the form.",
}
_BODIES = ("application/json", "application/x-www-form-urlencoded", "text/plain")
OPERATIONS = (
    Operation(
        "GET",
        _ADDRESS,
        look,
        "What a waiting node asks; an HTML page with its form for browsers",
        answers={200: "`{state, signal, form, due_at}`, or a page.", **{k: v for k, v in _ANSWERS.items() if k > 400}},
        public=True,
        any_query=True,
    ),
    *(
        Operation(
            method,
            _ADDRESS,
            answer,
            "Answer a waiting node: the body is its signal's data",
            accepts=_BODIES,
            answers=_ANSWERS,
            public=True,
            any_query=True,
        )
        for method in ("POST", "PUT", "PATCH")
    ),
)
