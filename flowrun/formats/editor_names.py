"""The node type names of the visual editor, and what they are called here."""

from __future__ import annotations

import re

from flowrun.domain.expression import as_expression
from flowrun.domain.json import JsonObject, JsonValue

_RENAMED = {"function": "code", "transformation": "transform", "character": "agent"}
_CHANNELS = {"whatsapp": "whatsapp", "instagram": "instagram", "mercadolivreQa": "mercado_livre"}
_TRIGGERS = (
    ("webhook", ("path",)),
    ("schedule", ("cron", "every", "at")),
    ("event", ("event_type", "eventType")),
)
_PLUGIN_KEYS = ("plugin", "node_type", "nodeType", "custom_type", "customType", "type")
_EVENT = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
_CHECKED_ALL_THE_SAME = "Signatures are checked all the same: validateSignature false has no effect."


def translate(type_: str, params: JsonObject, *, is_target: bool) -> tuple[str, JsonObject]:
    """Our name for a node type, and the params that go with it.

    `is_target` tells whether an edge leads to the node: a channel is then something to send to, else a trigger,
    and a webhook is then a call to make.
    """
    if type_ in _CHANNELS:
        return ("send", _sending(params)) if is_target else ("webhook", _receiving(params, _CHANNELS[type_]))
    if type_ == "trigger":
        kinds = (kind for kind, keys in _TRIGGERS if any(params.get(key) is not None for key in keys))
        return next(kinds, "manual"), params
    if type_ == "webhook" and is_target and not _is_inbound(params):
        return "http", params
    if type_ == "custom":
        return _plugin(params)
    return _RENAMED.get(type_, type_), params


def _is_inbound(params: JsonObject) -> bool:
    """Whether a webhook with an edge leading to it is a trigger all the same: the edge is the mistake then."""
    return "path" in params and "url" not in params


def _sending(params: JsonObject) -> JsonObject:
    found = dict(params)
    for name in ("validate_signature", "message_events"):
        _take(found, name)
    return found


def _receiving(params: JsonObject, provider: str) -> JsonObject:
    """A webhook that the channel proves; what else the params say of a webhook stays."""
    found = dict(params)
    is_checked, channel = _take(found, "validate_signature"), found.pop("channel", None)
    found.setdefault("provider", provider)
    if isinstance(channel, str) and channel:
        found.setdefault("path", f"channels/{channel}")
    found.setdefault("auth", {"type": "channel"} if channel is None else {"type": "channel", "channel": channel})
    if is_checked is False:
        # Nobody who leaves a box unticked means to let everyone start workflows; `auth: none` says that.
        found["description"] = f"{found.get('description') or ''} {_CHECKED_ALL_THE_SAME}".strip()
    events = _take(found, "message_events")
    if _are_events(events):
        found["filter"] = _filter(found.get("filter"), events)
    elif events:
        found["messageEvents"] = events
    return found


def _are_events(events: JsonValue) -> bool:
    return isinstance(events, list) and bool(events) and all(isinstance(e, str) and _EVENT.fullmatch(e) for e in events)


def _filter(given: JsonValue, events: JsonValue) -> JsonValue:
    """Let only these types of events start the workflow, beside what is asked already."""
    names = ", ".join(f"'{event}'" for event in events) if isinstance(events, list) else ""
    wanted = f"trigger.event.event_type in [{names}]"
    if given is None or given == "":
        return wanted
    return f"{wanted} and ({as_expression(given)})" if isinstance(given, str) else given


def _plugin(params: JsonObject) -> tuple[str, JsonObject]:
    """The type that a `custom` node names in its data, and the params beside that name or within `config`."""
    key = next((key for key in _PLUGIN_KEYS if isinstance(params.get(key), str) and params[key]), None)
    if key is None:
        return "custom", params
    others = {name: value for name, value in params.items() if name != key}
    inner = others.get("config", others.get("params"))
    return str(params[key]), dict(inner) if len(others) == 1 and isinstance(inner, dict) else others


def _take(params: JsonObject, name: str) -> JsonValue:
    """Remove a param in either spelling; gives its value."""
    head, *rest = name.split("_")
    camel = head + "".join(part.capitalize() for part in rest)
    snake_value, camel_value = params.pop(name, None), params.pop(camel, None)
    return camel_value if snake_value is None else snake_value
