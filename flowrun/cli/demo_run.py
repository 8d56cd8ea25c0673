"""Drives the demo: loads the examples into the service, sends the push, reads back what became of it."""

from __future__ import annotations

import asyncio
import time
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import httpx2

from flowrun.cli.client import problem
from flowrun.cli.demo_story import Answer, Story
from flowrun.cli.example_files import examples_dir
from flowrun.cli.options import tenant_path
from flowrun.cli.watch import FINAL
from flowrun.errors import UnavailableError
from flowrun.formats import read_document, read_workflow

if TYPE_CHECKING:
    from flowrun.bootstrap import ServiceInfo
    from flowrun.domain.definition import EdgeDefinition

TENANT = "demo"
WORKFLOW = "github-push"
PATH = f"/webhooks/{TENANT}/github/push"
RUN_SECONDS = 30.0
_GITHUB_HEADERS = {
    "Content-Type": "application/json",
    "User-Agent": "GitHub-Hookshot/044aadd",
    "X-GitHub-Event": "push",
    "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
    "X-GitHub-Hook-ID": "292430182",
    "X-GitHub-Hook-Installation-Target-ID": "900100200",
    "X-GitHub-Hook-Installation-Target-Type": "repository",
}
_SHOWN_HEADERS = ("content-type", "content-length", "location", "x-deployment")


class DemoRun:
    """The demo's side of the conversation: the operator's socket, and the webhook over TCP."""

    def __init__(self, info: ServiceInfo) -> None:
        transport = httpx2.AsyncHTTPTransport(uds=str(info.socket_path))
        self._operator = httpx2.AsyncClient(transport=transport, base_url="http://flowrun", timeout=RUN_SECONDS)
        self._url = f"http://{info.host}:{info.port}"
        self._socket = str(info.socket_path)
        self._workflows: list[str] = []
        self._edges: tuple[EdgeDefinition, ...] = ()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._operator.aclose()

    async def load_examples(self, api_url: str) -> None:
        """Save every example for the demo's tenant; the one that calls a server is told where it is."""
        await self._ask("POST", "/api/v1/tenants", {"id": TENANT, "name": "Demo"})
        for file in sorted(examples_dir().glob("*.yaml")):
            document = read_document(file.read_bytes())
            if document.get("id") == WORKFLOW:
                document["variables"] = {"api": api_url}
            definition = read_workflow(document, default_id=file.stem).definition
            if definition is None:
                raise UnavailableError(f"The example {file.name} cannot be read")
            await self._ask("PUT", tenant_path(TENANT, "workflows", definition.id), document)
            self._workflows.append(definition.id)
            if definition.id == WORKFLOW:
                self._edges = definition.edges

    async def push(self) -> Story:
        """Send the push as GitHub sends it, wait for the end, and read the whole run."""
        content = (examples_dir() / "payloads" / "github-push.json").read_bytes()
        async with httpx2.AsyncClient(base_url=self._url, timeout=RUN_SECONDS, trust_env=False) as outside:
            begun = time.perf_counter()
            response = await outside.post(PATH, content=content, headers=_GITHUB_HEADERS)
            seconds = time.perf_counter() - begun
        execution = await self._ended_execution()
        nodes = await self._ask("GET", tenant_path(TENANT, "executions", execution["id"], "nodes"))
        return Story(
            url=self._url,
            socket=self._socket,
            workflows=tuple(self._workflows),
            path=PATH,
            request_bytes=len(content),
            execution=execution,
            nodes=tuple(nodes["items"]),
            edges=self._edges,
            answer=_answer(response, seconds),
        )

    async def _ended_execution(self) -> dict[str, Any]:
        deadline = time.monotonic() + RUN_SECONDS
        while time.monotonic() < deadline:
            newest = await self._ask("GET", tenant_path(TENANT, "executions") + "?limit=1")
            if newest["items"] and newest["items"][0]["status"] in FINAL:
                found: dict[str, Any] = await self._ask(
                    "GET", tenant_path(TENANT, "executions", newest["items"][0]["id"])
                )
                return found
            await asyncio.sleep(0.02)
        raise UnavailableError(f"The workflow did not end within {RUN_SECONDS:.0f} s")

    async def _ask(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - any JSON
        answer = await self._operator.request(method, path, json=body)
        if answer.is_error:
            raise problem(answer)
        return answer.json() if answer.content else None


def _answer(response: httpx2.Response, seconds: float) -> Answer:
    try:
        body = response.json()
    except ValueError:
        body = response.text
    headers = {
        name: value
        for name, value in response.headers.items()
        if name in _SHOWN_HEADERS or name.startswith("x-flowrun-")
    }
    return Answer(response.status_code, HTTPStatus(response.status_code).phrase, headers, body, seconds)
