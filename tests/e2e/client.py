"""What the end-to-end tests ask a service over HTTP, and how they wait for it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import yaml

T = TypeVar("T")
FINAL = frozenset({"completed", "failed", "cancelled", "timed_out"})
SECONDS = 15.0
"""How long anything that has to happen may take, on the slowest machine."""


def until(what: str, look: Callable[[], T], seconds: float = SECONDS) -> T:
    """Look until it gives something true, and give that; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}; last seen: {found!r}")
        time.sleep(0.01)


class Api:
    """One tenant of a service, as seen by whoever the client stands for."""

    def __init__(self, client: httpx2.Client, tenant: str = "default") -> None:
        self.client = client
        self.tenant = tenant
        self.base = f"/api/v1/tenants/{tenant}"

    def of(self, tenant: str) -> Api:
        """The same client, and another tenant."""
        return Api(self.client, tenant)

    def ask(self, method: str, path: str, *, status: int | None = None, **more: Any) -> Any:
        """The document that is answered below the tenant's address; the status has to be the one given."""
        answer = self.client.request(method, f"{self.base}{path}", **more)
        assert answer.status_code == status if status else answer.is_success, (answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def save(self, source: str | dict[str, Any]) -> str:
        """Save a workflow, YAML or a document; gives its id."""
        document = yaml.safe_load(source) if isinstance(source, str) else source
        return str(self.ask("PUT", f"/workflows/{document['id']}", json=document)["id"])

    def start(self, workflow: str, body: object = None, **more: Any) -> str:
        """Start a workflow; gives the execution's id."""
        answer = self.ask("POST", f"/workflows/{workflow}/executions", json={"input": body, **more})
        return str(answer["execution_id"])

    def execution(self, execution: str) -> dict[str, Any]:
        return self.ask("GET", f"/executions/{execution}")

    def nodes(self, execution: str) -> dict[str, dict[str, Any]]:
        """The node runs by node id."""
        return {run["node_id"]: run for run in self.ask("GET", f"/executions/{execution}/nodes")["items"]}

    def history(self, execution: str, kind: str | None = None) -> list[dict[str, Any]]:
        """The events, or only those of a type."""
        events = self.ask("GET", f"/executions/{execution}/history", params={"limit": 1000})["items"]
        return [event for event in events if kind is None or event["type"] == kind]

    def command(self, execution: str, name: str, body: object = None) -> httpx2.Response:
        """Send `pause`, `cancel`, `nodes/x/skip` and so on."""
        return self.client.post(f"{self.base}/executions/{execution}/{name}", json={} if body is None else body)

    def reaches(self, execution: str, *states: str) -> dict[str, Any]:
        """Wait until the execution is in one of the states; gives it."""
        return until(f"{execution} becomes {states}", lambda: self._in_state(execution, states))

    def ends(self, execution: str) -> dict[str, Any]:
        """Wait until the execution has ended; gives it."""
        return self.reaches(execution, *FINAL)

    def _in_state(self, execution: str, states: tuple[str, ...]) -> dict[str, Any] | None:
        document = self.execution(execution)
        return document if document["status"] in states else None


def is_problem(answer: httpx2.Response, status: int, code: str | None = None) -> dict[str, Any]:
    """The problem document of an answer that has to be one."""
    assert answer.status_code == status, (answer.status_code, answer.text)
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    assert document["type"].startswith("urn:flowrun:problem:")
    assert "Traceback" not in answer.text
    if code is not None:
        assert document["type"] == f"urn:flowrun:problem:{code}"
    return document


@contextmanager
def read_only(data_dir: Path) -> Iterator[sqlite3.Connection]:
    """The service's database, beside the service."""
    with closing(sqlite3.connect(f"file:{data_dir / 'flowrun.db'}?mode=ro", uri=True)) as connection:
        yield connection


def row_counts(data_dir: Path) -> dict[str, int]:
    """How many rows each table has."""
    with read_only(data_dir) as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: db.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}  # noqa: S608
