"""The node type names of the visual editor, and what they are called here."""

from __future__ import annotations

from flowrun.domain.json import JsonObject

_RENAMED = {"function": "code", "transformation": "transform", "character": "agent"}
_CHANNELS = {"whatsapp": "whatsapp", "instagram": "instagram", "mercadolivreQa": "mercado_livre"}
_TRIGGERS = (
    ("webhook", ("path",)),
    ("schedule", ("cron", "every", "at")),
    ("event", ("event_type", "eventType")),
)


def translate(type_: str, params: JsonObject, *, is_target: bool) -> tuple[str, JsonObject]:
    """Our name for a node type, and the params that go with it.

    `is_target` tells whether an edge leads to the node: a channel is then something to send to, else a trigger,
    and a webhook is then a call to make.
    """
    if type_ in _CHANNELS:
        return ("send", params) if is_target else ("webhook", {**params, "provider": _CHANNELS[type_]})
    if type_ == "trigger":
        kinds = (kind for kind, keys in _TRIGGERS if any(params.get(key) is not None for key in keys))
        return next(kinds, "manual"), params
    if type_ == "webhook" and is_target and not _is_inbound(params):
        return "http", params
    return _RENAMED.get(type_, type_), params


def _is_inbound(params: JsonObject) -> bool:
    """Whether a webhook with an edge leading to it is a trigger all the same: the edge is the mistake then."""
    return "path" in params and "url" not in params
