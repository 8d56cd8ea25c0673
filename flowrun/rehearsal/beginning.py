"""How a case begins: what its trigger makes of what comes in, as the service would."""

from __future__ import annotations

from collections.abc import Iterator

from flowrun.domain.definition import WorkflowDefinition
from flowrun.domain.expression import compile_template
from flowrun.domain.facts import Start
from flowrun.domain.failure import rfc3339
from flowrun.domain.graph import Graph, Node
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.formats.cases import Case
from flowrun.triggers.headers import kept_headers
from flowrun.triggers.inputs import checked_input
from flowrun.triggers.mapping import mapped, passes
from flowrun.triggers.providers import event_of, parts_of, provider_of


def beginning(case: Case, graph: Graph, definition: WorkflowDefinition) -> Start | None:
    """What starts the execution; None when the trigger's filter lets the case pass by.

    Of several messages in one request, a case follows the first one that passes.

    Raises `InvalidInputError` for an input that the trigger refuses, `ExpressionError` when `filter` or `map` fails.
    """
    node = graph.trigger(case.trigger)
    config = next(one.params for one in definition.nodes if one.id == node.id)
    if node.type.name == "webhook":
        passing = (one for one in _requests(case, config) if passes(config, one, case.now))
        request = next(passing, None)
        return None if request is None else Start(node.id, request, mapped(config, request, case.now))
    trigger = _trigger(case, node, config)
    if node.type.name == "schedule":
        # The map of a schedule makes the body itself.
        if config.get("map"):
            trigger["body"] = compile_template(config["map"]).evaluate({"trigger": trigger}, now=case.now)
        return Start(node.id, trigger)
    if node.type.name != "event":
        return Start(node.id, trigger)
    if not passes(config, trigger, case.now):
        return None
    return Start(node.id, trigger, mapped(config, trigger, case.now))


def _trigger(case: Case, node: Node, config: JsonObject) -> JsonObject:
    """What expressions see as `trigger`."""
    kind, body, at = node.type.name, case.data.get("body"), rfc3339(case.now)
    if kind == "schedule":
        moment, name = case.data.get("scheduled_at"), str(config.get("name") or node.id)
        return {
            "type": kind,
            "scheduled_at": rfc3339(moment) if isinstance(moment, int) else at,
            "body": body,
            "timezone": config.get("timezone", "UTC"),
            "schedule": {"id": name, "name": name},
        }
    if kind == "event":
        return {"type": kind, "event": _event(case, config), "body": body, "received_at": at}
    if kind == "error":
        return {"type": kind, "body": body, "depth": 1}
    return {"type": "manual", "body": checked_input(node, body), "received_at": at}


def _requests(case: Case, config: JsonObject) -> Iterator[JsonObject]:
    """What expressions see as `trigger`, for each message of the request."""
    methods, written = config.get("methods"), case.data.get("headers")
    if isinstance(methods, list):
        methods = methods[0] if methods else None
    headers = {name.lower(): str(value) for name, value in (written if isinstance(written, dict) else {}).items()}
    body: JsonValue = case.data.get("body")
    provider, given = provider_of(config, body, headers), case.data.get("event")
    request: JsonObject = {
        "type": "webhook",
        "headers": kept_headers(headers, frozenset()),
        "query": case.data.get("query", {}),
        "method": str(case.data.get("method") or methods or "POST").upper(),
        "received_at": rfc3339(case.now),
        "path": case.data.get("path", {}),
    }
    for part in parts_of(provider, body):
        event, _ = event_of(provider, part, headers)
        event = {**event, **given} if isinstance(given, dict) else event
        yield {**request, "body": part, "event": event}


def _event(case: Case, config: JsonObject) -> JsonObject:
    """The attributes of a CloudEvent, as far as the case names them."""
    given = case.data.get("event")
    kind = str(config.get("event_type") or "test").replace("*", "test")
    event: JsonObject = {"specversion": "1.0", "id": "test", "source": "/test", "type": kind, "time": rfc3339(case.now)}
    return {**event, **given} if isinstance(given, dict) else event
