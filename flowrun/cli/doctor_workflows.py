"""The part of `flowrun doctor` that looks for what published workflows name and nobody has set."""

from __future__ import annotations

import json
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from flowrun.cli.finding import OK, PROBLEM, Finding
from flowrun.triggers.channels import channel_of

_EXPRESSION = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_SECRET = re.compile(r"""\bsecrets\s*(?:\.\s*([A-Za-z]\w*)|\[\s*['"]([A-Za-z]\w*)['"]\s*\])""", re.ASCII)
_ADVICE = {
    "secret": "`flowrun secrets set {name} --tenant {tenant}`",
    "channel": "`flowrun channels set {name} --tenant {tenant}`",
    "workflow": "publish it, or `flowrun apply` its file for {tenant}",
}
_KNOWN = {
    "secret": "SELECT tenant_id, name FROM secrets",
    "channel": "SELECT tenant_id, name FROM channels WHERE status = 'active'",
    "workflow": "SELECT tenant_id, id FROM workflows WHERE status = 'published'",
}


def reference_findings(connection: sqlite3.Connection) -> Iterator[Finding]:
    """A finding for each secret, channel and workflow that is named and missing, or one that there is none."""
    known = {kind: set(connection.execute(query)) for kind, query in _KNOWN.items()}
    missing: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    query = "SELECT tenant_id, id, nodes, settings FROM workflows WHERE status = 'published'"
    count = 0
    for tenant, workflow, nodes, settings in connection.execute(query):
        count += 1
        for kind, name in _named(json.loads(nodes), json.loads(settings)):
            if (tenant, name) not in known[kind]:
                missing[tenant, kind, name].add(workflow)
    for (tenant, kind, name), workflows in sorted(missing.items()):
        who = f"{', '.join(sorted(workflows))} of {tenant}"
        advice = _ADVICE[kind].format(name=name, tenant=tenant)
        yield Finding("workflows", PROBLEM, f"{who}: there is no {_adjective(kind)}{kind} {name!r}", advice)
    if not missing:
        yield Finding("workflows", OK, f"{count:,} published; what they name is there")


def _adjective(kind: str) -> str:
    return {"channel": "active ", "workflow": "published "}.get(kind, "")


def _named(nodes: list[dict[str, Any]], settings: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Pairs of kind and name, as far as they are known before a node runs."""
    if settings.get("on_error"):
        yield "workflow", str(settings["on_error"])
    for node in nodes:
        params = node.get("params") or {}
        if node.get("disabled"):
            continue
        for text in _texts(params):
            for inner in _EXPRESSION.findall(text):
                for match in _SECRET.finditer(inner):
                    yield "secret", match[1] or match[2]
        auth = params.get("auth")
        if node.get("type") == "webhook" and isinstance(auth, dict):
            yield from (("secret", str(name)) for name in auth.get("secrets") or ())
        channel = params.get("channel") if node.get("type") == "send" else channel_of(auth)
        called = [params] if node.get("type") == "workflow" else []
        tools = params.get("tools") if node.get("type") == "agent" else None
        called += [tool for tool in tools or () if isinstance(tool, dict) and "workflow_id" in tool]
        references = [("channel", channel), *(("workflow", one.get("workflow_id")) for one in called)]
        yield from ((kind, name) for kind, name in references if isinstance(name, str) and name and "{{" not in name)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
