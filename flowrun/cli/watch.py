"""An execution's events on the terminal, as they were and as they come."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from flowrun.cli import output as out
from flowrun.cli.execution_view import error_line
from flowrun.cli.failure import NoServiceError
from flowrun.errors import UnavailableError

if TYPE_CHECKING:
    from flowrun.cli.client import ServiceClient

_PAGE = 1000
POLL_SECONDS = 0.25
_AGAIN_SECONDS = 0.5
_ATTEMPTS = 60
FINAL = frozenset({"completed", "failed", "cancelled", "timed_out"})
_COLOURS = (("Failed", "red"), ("TimedOut", "red"), ("Completed", "green"), ("Cancel", "yellow"), ("Retry", "yellow"))


def events(client: ServiceClient, path: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Read the events of an execution after a number."""
    found: list[dict[str, Any]] = []
    while len(found) < limit:
        page = client.get(f"{path}/history", after=after, limit=min(limit - len(found), _PAGE))
        found += page["items"]
        if page["next"] is None:
            break
        after = page["next"]
    return found


def follow(client: ServiceClient, path: str, *, as_json: bool = False) -> str:
    """Print every event of an execution until its end; gives the final status.

    A service that is started anew meanwhile is waited for. Raises `NoServiceError` when it doesn't come back.
    """
    seen, failures = 0, 0
    while True:
        try:
            for name, data in client.events(f"{path}/stream", str(seen) if seen else None):
                failures = 0
                if name == "history":
                    seen = data["seq"]
                    click.echo(json.dumps(data, ensure_ascii=False)) if as_json else print_event(data)
                elif data.get("reason") == "finished":
                    return str(data["status"])
            failures += 1
        except (NoServiceError, UnavailableError):
            failures += 1
            if seen == 0 or failures > _ATTEMPTS:
                raise
        time.sleep(_AGAIN_SECONDS)


def wait(client: ServiceClient, path: str) -> dict[str, Any]:
    """Wait for the end of an execution; gives its document."""
    while True:
        document: dict[str, Any] = client.get(path)
        if document["status"] in FINAL:
            return document
        time.sleep(POLL_SECONDS)


def print_event(event: Mapping[str, Any]) -> None:
    """Print one event on one line."""
    kind = str(event["type"])
    colour = next((colour for part, colour in _COLOURS if part in kind), None)
    moment = out.parse_time(event["at"]).astimezone().strftime("%H:%M:%S.%f")[:-3]
    node = event.get("node_id") or ""
    if event.get("iteration"):
        node += f"[{event['iteration']}]"
    click.echo(
        f"{event['seq']:>5}  {click.style(moment, dim=True)}  {click.style(kind.ljust(19), fg=colour)}  "
        f"{node:<16}  {_facts(event.get('data') or {})}".rstrip()
    )


def _facts(data: Mapping[str, Any]) -> str:
    if isinstance(data.get("error"), dict):
        return error_line(data["error"])
    shown = {name: value for name, value in data.items() if name not in {"started_at", "dispatch", "taken"}}
    if set(shown) == {"output"}:
        return out.shorten(shown["output"], 120)
    return out.shorten(shown or None, 120)
