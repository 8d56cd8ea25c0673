"""The part of `flowrun doctor` that looks for what published workflows name and nobody has set."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from flowrun.cli.finding import OK, PROBLEM, Finding
from flowrun.nodes.references import CHANNEL, SECRET, WORKFLOW, references

_ADVICE = {
    SECRET: "`flowrun secrets set {name} --tenant {tenant}`",
    CHANNEL: "`flowrun channels set {name} --tenant {tenant}`",
    WORKFLOW: "publish it, or `flowrun apply` its file for {tenant}",
}
_KNOWN = {
    SECRET: "SELECT tenant_id, name FROM secrets",
    CHANNEL: "SELECT tenant_id, name FROM channels WHERE status = 'active'",
    WORKFLOW: "SELECT tenant_id, id FROM workflows WHERE status = 'published'",
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
    return {CHANNEL: "active ", WORKFLOW: "published "}.get(kind, "")


def _named(nodes: list[dict[str, Any]], settings: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Pairs of kind and name."""
    if settings.get("on_error"):
        yield WORKFLOW, str(settings["on_error"])
    for node in nodes:
        if not node.get("disabled"):
            found = references(str(node.get("type")), node.get("params") or {})
            yield from ((reference.kind, reference.name) for reference in found)
