"""What the dashboard asks of the service, by name: one method for each document and command."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from uuid import uuid4

from tui.actions import Action
from tui.client import Client

PAGE = 100
"""Rows of one page of a list."""
_LONG_PAGE, _MOST_LISTED = 200, 1_000
Document = dict[str, Any]


def path(tenant: str, *parts: str) -> str:
    """The address of something that belongs to a tenant."""
    return "/".join(["/api/v1/tenants", *(quote(part, safe="") for part in (tenant, *parts))])


class Service:
    """Every method raises `UnreachableError` or `RefusedError`."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def operations(self) -> frozenset[str]:
        """What the service offers, such as `POST /api/v1/tenants/{tenant}/…`."""
        description = await self.client.get("/openapi.json")
        return frozenset(
            f"{method.upper()} {address}" for address, methods in description["paths"].items() for method in methods
        )

    async def stats(self, tenant: str | None = None) -> Document:
        """Figures of the whole service, or of one tenant."""
        return await self._document("/api/v1/stats" if tenant is None else path(tenant, "stats"))

    async def tenants(self) -> list[Document]:
        """Up to 1,000 tenants by id."""
        return await self._listed("/api/v1/tenants")

    async def workflows(self, tenant: str) -> list[Document]:
        """Up to 1,000 workflows by id."""
        return await self._listed(path(tenant, "workflows"))

    async def workflow(self, tenant: str, workflow: str, version: int | None = None) -> Document:
        """One workflow with its definition; the current version when none is named."""
        return await self._document(path(tenant, "workflows", workflow), version=version)

    async def executions(self, tenant: str, *, limit: int = PAGE, **params: Any) -> tuple[list[Document], str | None]:  # noqa: ANN401
        """A page of executions, newest first, and the cursor of the next one."""
        page = await self.client.get(path(tenant, "executions"), limit=limit, progress=True, **params)
        return list(page["items"]), page["next"]

    async def execution(self, tenant: str, execution: str) -> Document:
        """One execution with its input, output and error."""
        return await self._document(path(tenant, "executions", execution))

    async def node_runs(self, tenant: str, execution: str) -> list[Document]:
        """All node runs of an execution, without payloads."""
        found = await self.client.get(path(tenant, "executions", execution, "nodes"), payload=False)
        return list(found["items"])

    async def node_run(self, tenant: str, execution: str, node: str, iteration: str) -> Document:
        """One node run with its payloads and attempts."""
        return await self._document(path(tenant, "executions", execution, "nodes", node), iteration=iteration or None)

    async def history(
        self, tenant: str, execution: str, after: int, limit: int = 500
    ) -> tuple[list[Document], int | None]:
        """Events after a number; the second is the last number when there are more."""
        page = await self.client.get(path(tenant, "executions", execution, "history"), after=after, limit=limit)
        return list(page["items"]), page["next"]

    async def logs(self, tenant: str, execution: str, node: str, iteration: str, after: int = 0) -> list[Document]:
        """What a node run has logged after a line, up to 1,000 lines."""
        address = path(tenant, "executions", execution, "nodes", node, "logs")
        return list((await self.client.get(address, iteration=iteration or None, after=after, limit=1_000))["items"])

    async def waits(self, tenant: str, execution: str) -> list[Document]:
        """The nodes that wait for a signal, with the form that each asks for."""
        return list((await self.client.get(path(tenant, "executions", execution, "waits")))["items"])

    async def schedules(self, tenant: str) -> list[Document]:
        """Up to 1,000 schedules."""
        return await self._listed(path(tenant, "schedules"))

    async def fires(self, tenant: str, schedule: str) -> list[Document]:
        """What became of a schedule's latest times."""
        return list((await self.client.get(path(tenant, "schedules", schedule, "fires"), limit=50))["items"])

    # --- commands

    async def act(self, tenant: str, execution: str, action: Action, body: Document | None = None) -> Document:
        """Pause, resume, cancel, terminate, retry, rerun or signal an execution."""
        name = "rerun" if action.name == "rerun_from" else action.name
        return await self._post(path(tenant, "executions", execution, name), body)

    async def skip(self, tenant: str, execution: str, run: tuple[str, str], output: object, port: str) -> Document:
        """Complete a node run with an output; an empty port is that of a success."""
        node, iteration = run
        body = {"output": output, "iteration": iteration, **({"port": port} if port else {})}
        return await self._post(path(tenant, "executions", execution, "nodes", node, "skip"), body)

    async def bulk(self, tenant: str, action: Action, ids: list[str]) -> Document:
        """One command for many executions: `{matched, done, failed, results}`."""
        return await self._post(
            path(tenant, "executions:bulk").replace("%3A", ":"), {"action": action.name, "ids": ids}
        )

    async def start(self, tenant: str, workflow: str, body: Document, key: str) -> Document:
        """Start a workflow by hand, once for each key."""
        return await self._post(path(tenant, "workflows", workflow, "executions"), body, key)

    async def schedule(self, tenant: str, schedule: str, command: str) -> Document:
        """`pause`, `resume` or `trigger` a schedule."""
        return await self._post(path(tenant, "schedules", schedule, command), None)

    async def _listed(self, address: str) -> list[Document]:
        """The items of a list, page by page, up to a bound."""
        found: list[Document] = []
        cursor: str | None = None
        while len(found) < _MOST_LISTED:
            page = await self.client.get(address, limit=_LONG_PAGE, cursor=cursor)
            found += page["items"]
            cursor = page.get("next")
            if cursor is None:
                break
        return found

    async def _document(self, address: str, **params: object) -> Document:
        found: Document = await self.client.get(address, **params)
        return found

    async def _post(self, address: str, body: Document | None, key: str | None = None) -> Document:
        # With a key of its own a command that is sent twice is carried out once.
        found: Document = await self.client.post(address, body, key=key or uuid4().hex)
        return found
