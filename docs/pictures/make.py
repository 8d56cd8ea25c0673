"""Makes the pictures of the dashboard from a real run: `python docs/pictures/make.py [DIRECTORY]`.

A service is started on an empty directory, a few workflows run in it, and the dashboard is drawn as it shows them.
"""

# ruff: noqa: INP001 - a script, not a package
from __future__ import annotations

import asyncio
import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import yaml

from tui.app import Dashboard
from tui.place import Options, Place

HERE = Path(__file__).parent
SIZE = (132, 36)
PATIENCE = 60.0
"""Seconds for anything that has to happen."""
RUNS = ("digest", "digest", "import", "onboarding", "digest", "import", "onboarding", "digest")


def main() -> None:
    """Write `overview.svg`, `execution.svg`, `start.svg`, `queues.svg` and `schedules.svg`."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, _service(Path(folder)) as socket:
        _prepare(socket)
        asyncio.run(_draw(socket, target))


def _self_contained(svg: str) -> str:
    """The picture with fonts of the reader's machine: a picture in a document must fetch nothing."""
    svg = re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    return svg.replace("Fira Code, monospace", "'Fira Code', 'DejaVu Sans Mono', Menlo, Consolas, monospace")


@contextlib.contextmanager
def _service(folder: Path) -> Iterator[Path]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("FLOWRUN_")}
    socket = folder / "s"
    env = plain | {"FLOWRUN_DATA_DIR": str(folder / "data"), "FLOWRUN_SOCKET": str(socket), "FLOWRUN_PORT": "0"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "flowrun", "serve"], env=env, stdout=log, stderr=log)
    try:
        _until(lambda: socket.exists() and _ask(socket, "GET", "/readyz").status_code == 200)
        yield socket
    finally:
        process.terminate()
        process.wait(20)


def _ask(socket: Path, method: str, path: str, body: object = None) -> httpx2.Response:
    with httpx2.Client(
        transport=httpx2.HTTPTransport(uds=str(socket)), base_url="http://flowrun", timeout=30
    ) as client:
        return client.request(method, path, json=body)


def _until(look: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with contextlib.suppress(httpx2.HTTPError):
            if look():
                return
        time.sleep(0.05)
    raise TimeoutError("the service is not ready")


def _prepare(socket: Path) -> None:
    """Two tenants, four workflows, and runs that have ended, wait, are paused and have failed."""
    for tenant in ("acme", "globex"):
        _ask(socket, "POST", "/api/v1/tenants", {"id": tenant}).raise_for_status()
        for file in sorted((HERE / "workflows").glob("*.yaml")):
            document = yaml.safe_load(file.read_text(encoding="utf-8"))
            address = f"/api/v1/tenants/{tenant}/workflows/{document['id']}"
            _ask(socket, "PUT", address, document).raise_for_status()
    _start(socket, "globex", "onboarding")
    started = [_start(socket, "acme", workflow) for workflow in RUNS]
    _ask(socket, "POST", f"/api/v1/tenants/acme/executions/{started[3]}/pause", {}).raise_for_status()
    time.sleep(1.0)
    _start(socket, "acme", "triage", {"ticket": 4211, "subject": "It does not start"})
    time.sleep(3.0)
    _start(socket, "acme", "triage", {"ticket": 4212, "subject": "A noise from the fan"})


def _start(socket: Path, tenant: str, workflow: str, given: object = None) -> str:
    answer = _ask(socket, "POST", f"/api/v1/tenants/{tenant}/workflows/{workflow}/executions", {"input": given})
    return str(answer.raise_for_status().json()["execution_id"])


async def _draw(socket: Path, target: Path) -> None:
    app = Dashboard(Options(Place(socket), "acme"))
    async with app.run_test(size=SIZE) as pilot:

        async def picture(name: str, *keys: str) -> None:
            await pilot.press(*keys)
            await pilot.pause(3.0)
            drawn = _self_contained(app.export_screenshot(title="flowrun dashboard"))
            (target / f"{name}.svg").write_text(drawn, encoding="utf-8")

        await asyncio.wait_for(app.feed.primed.wait(), PATIENCE)
        await picture("overview", "down")
        await pilot.press("enter")
        await pilot.pause(2.0)
        await picture("execution", "left", "2")
        await pilot.press("escape")
        await pilot.press("n")
        await picture("start")
        await pilot.press("escape")
        for _ in range(60):
            await asyncio.to_thread(_start, socket, "globex", "digest")
        await picture("queues", "2")
        await picture("schedules", "3")


if __name__ == "__main__":
    main()
