"""`flowrun dashboard --web` as a process, a browser at it, and the dashboards behind its pages."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import aiohttp
import httpx2
from e2e.client import until

from tui.theme import DARK

SECONDS = 30.0
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Web:
    """The process; it has been killed when the block ends."""

    def __init__(self, process: subprocess.Popen[str], errors: Path) -> None:
        assert process.stdout is not None
        self.process = process
        self._errors = errors
        self.link = process.stdout.readline().strip()
        assert self.link, self.errors
        self.address = self.link.partition("/?")[0]

    @property
    def errors(self) -> str:
        """What it has written to stderr."""
        return self._errors.read_text()

    def get(self, path: str = "/", **headers: str) -> httpx2.Response:
        """Ask as a browser that was given no cookie."""
        return httpx2.get(self.address + path, headers=headers, trust_env=False, follow_redirects=False)

    def cookie(self) -> str:
        """What a browser that has opened the link sends."""
        token = self.link.removeprefix(self.address)
        return self.get(token).headers["set-cookie"].partition(";")[0]

    @asynccontextmanager
    async def page(self, width: int = 120, height: int = 40) -> AsyncIterator[Page]:
        """The websocket that the page opens."""
        headers = {"Cookie": self.cookie(), "Origin": self.address}
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{self.address}/ws?width={width}&height={height}", headers=headers) as socket,
        ):
            yield Page(socket)

    def dashboards(self) -> list[int]:
        """The processes that it has started and that still run."""
        return [pid for pid, (parent, state) in _processes() if parent == self.process.pid and state != "Z"]

    def end(self, how: signal.Signals = signal.SIGINT) -> int:
        """End it as Ctrl+C does, or otherwise; gives the exit code."""
        self.process.send_signal(how)
        return self.process.wait(SECONDS)


class Page:
    """What a page receives and sends."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self.drawn = ""
        """Everything so far."""

    @property
    def text(self) -> str:
        """What was drawn, without what moves the cursor and colours."""
        return _ESCAPES.sub("", self.drawn)

    async def shows(self, part: str) -> None:
        """Read until this was drawn: a text, or an escape sequence."""
        try:
            async with asyncio.timeout(SECONDS):
                while part not in self.drawn and part not in self.text:
                    self.drawn += (await self._socket.receive_bytes()).decode()
        except TimeoutError:
            raise AssertionError(f"{part!r} is not drawn: {self.text[-2000:]!r}") from None

    async def keys(self, text: str) -> None:
        """Press keys."""
        await self._socket.send_json(["stdin", text])

    async def closed(self) -> int | None:
        """Read until the server closes it; gives its code."""
        async with asyncio.timeout(SECONDS):
            while not self._socket.closed:
                await self._socket.receive()
        return self._socket.close_code


def _processes() -> Iterator[tuple[int, tuple[int, str]]]:
    """Each process with its parent and its state."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):  # It has ended meanwhile.
            continue
        yield int(entry.name), (int(parent), state)


def background(name: str) -> str:
    """How a colour of the theme is sent as a background."""
    code = DARK.variables[name].lstrip("#")
    return "48;2;" + ";".join(str(int(code[at : at + 2], 16)) for at in (0, 2, 4))


def gone(pid: int) -> None:
    """Wait until a process has ended."""
    until(
        f"process {pid} has ended",
        lambda: pid not in {one for one, (_, state) in _processes() if state != "Z"},
        SECONDS,
    )


def arguments(pid: int) -> list[str]:
    """The command line that everybody sees."""
    return Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").split("\0")


def variables(pid: int) -> set[str]:
    """The names in a process's environment."""
    return {entry.partition("=")[0] for entry in Path(f"/proc/{pid}/environ").read_text().split("\0")}


@contextmanager
def web(env: dict[str, str], errors: Path, *arguments: str) -> Iterator[Web]:
    """Serve the dashboard at a free port."""
    command = [sys.executable, "-m", "flowrun", "dashboard", "--web", "--web-port", "0", *arguments]
    with (
        errors.open("w") as stderr,
        subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=stderr, text=True) as process,
    ):
        try:
            yield Web(process, errors)
        finally:
            process.kill()
