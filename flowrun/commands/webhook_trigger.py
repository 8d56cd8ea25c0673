"""From a request to `trigger`, and from `trigger` to the start of a workflow, as the webhook's params say."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from flowrun.domain.expression import Expression, ExpressionError, as_expression, compile_expression
from flowrun.domain.facts import Start
from flowrun.domain.graph import Graph
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.persistence.json_text import dump
from flowrun.ports import Context, RouteMatch
from flowrun.triggers.mapping import mapped, passes

_SIGNED_HEADERS = ("webhook-id", "svix-id")
_KEY_HEADERS = ("idempotency-key", *_SIGNED_HEADERS)
_SIGNED_IDS = frozenset({"stripe", "slack", "meta"})
"""The schemes under which the provider's id of a delivery stands in the body that is signed."""
_LONGEST_KEY = 255


def event_type_of(trigger: JsonObject) -> str:
    """What the log calls a delivery: the provider's type of event, else `request`."""
    event = trigger.get("event")
    found = event.get("event_type") if isinstance(event, dict) else None
    return "request" if found in {None, "unknown"} else str(found)


async def prepared(context: Context, match: RouteMatch, trigger: JsonObject, now: int) -> tuple[Graph, Start] | None:
    """What is to be started, or None when the webhook's filter lets the request pass by.

    Raises `ExpressionError` when filter or map cannot be evaluated, `NotFoundError` when the workflow is gone.
    """
    config, value = match.config, None
    if config.get("filter") or config.get("map"):
        if not passes(config, trigger, now):
            return None
        value = mapped(config, trigger, now)
    graph = await context.graphs.get(match.tenant_id, match.workflow_id)
    return graph, Start(match.node_id, trigger, value)


def idempotency_key(
    config: JsonObject,
    trigger: JsonObject,
    headers: Mapping[str, str],
    provider_key: str | None,
    now: int,
    *,
    part: int | None = None,
) -> str | None:
    """The sender's explicit key, else what the configured expression gives, else the provider's id of the delivery.

    Never a hash of the body. A header counts only where a better key isn't signed: whoever got hold of one signed
    request could have it started again and again under other keys. Of a delivery that was taken apart, `part` is the
    place: what is one key for all of it gets the part's own id, or else the others would be taken for duplicates.
    Raises `ExpressionError`.
    """
    own = "" if part is None else f":{part if provider_key is None else provider_key}"
    auth = config.get("auth")
    scheme = auth.get("type") if isinstance(auth, dict) else None
    is_signed = provider_key is not None and scheme in _SIGNED_IDS
    for name in () if is_signed else _SIGNED_HEADERS if scheme == "standard_webhooks" else _KEY_HEADERS:
        sent = headers.get(name)
        if sent:
            return _bounded(sent + own)
    source = config.get("idempotency_key")
    if isinstance(source, str) and source:
        expression = compile_expression(as_expression(source))
        value = expression.evaluate({"trigger": trigger}, now=now)
        if value is not None and value != "":
            key = value if isinstance(value, str) else dump(value)
            return _bounded(key + own if own and _is_common(expression, trigger, value, now) else key)
    return None if provider_key is None else _bounded(provider_key)


def _is_common(expression: Expression, trigger: JsonObject, value: JsonValue, now: int) -> bool:
    """Whether a key says nothing of the part: it is the same without one."""
    try:
        return expression.evaluate({"trigger": {**trigger, "body": None, "event": None}}, now=now) == value
    except ExpressionError:
        return False


def _bounded(key: str) -> str:
    return key if len(key) <= _LONGEST_KEY else f"sha256:{sha256(key.encode()).hexdigest()}"
