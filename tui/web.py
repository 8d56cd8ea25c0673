"""The dashboard in a browser, by the library textual-serve: each page has a dashboard process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import socket
import sys
from base64 import b64encode
from hashlib import sha256
from html import escape
from pathlib import Path
from string import Template

from aiohttp import WSCloseCode, hdrs, web
from textual_serve.app_service import AppService
from textual_serve.server import Server, to_int

from tui.place import Options
from tui.web_guard import Guard

_PAGE = Template(Path(__file__).with_name("web.html").read_text(encoding="utf-8"))
_SCRIPT = _PAGE.template.partition("<script>")[2].partition("</script>")[0]
"""The only one within the page."""
_PATIENCE = 3.0
"""Seconds that a dashboard has to end by itself."""
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
_POLICY = (
    f"default-src 'none'; script-src 'self' 'sha256-{b64encode(sha256(_SCRIPT.encode()).digest()).decode()}'; "
    "style-src 'self' 'unsafe-inline'; img-src data:; font-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; connect-src ws://"
)


class Session(AppService):
    """The dashboard process behind one page."""

    def _build_environment(self, width: int = 80, height: int = 24) -> dict[str, str]:
        return super()._build_environment(width, height) | {"TEXTUAL_DRIVER": "tui.web_driver:PageDriver"}

    async def run(self) -> None:
        """Carry what the process writes to the page, which is told when the process has ended, however it ended."""
        try:
            await super().run()
        finally:
            await self.remote_close()

    async def stop(self) -> None:
        """Let the process end, and end it when it takes too long."""
        process = self._process
        if process is None:
            return
        overdue = asyncio.get_running_loop().call_later(_PATIENCE, process.kill)
        try:
            await super().stop()
            await process.wait()
        finally:
            overdue.cancel()


class Web(Server):
    """The page, what it loads, and its websockets, behind the guard."""

    def __init__(self, command: str, guard: Guard) -> None:
        super().__init__(command)
        self._guard = guard
        self._open: set[web.WebSocketResponse] = set()

    async def application(self) -> web.Application:
        """The library's application with a guard before it."""
        app = await self._make_app()
        app.middlewares.append(self._guard.middleware)
        app.on_response_prepare.append(_protect)
        return app

    async def on_startup(self, app: web.Application) -> None:
        """Print nothing: the link is all there is to say."""

    async def on_shutdown(self, app: web.Application) -> None:  # noqa: ARG002 - part of the signature
        """Close the pages, with which their processes end."""
        await asyncio.gather(*(page.close(code=WSCloseCode.GOING_AWAY) for page in self._open))

    async def handle_index(self, request: web.Request) -> web.Response:
        """Give a page of our own: the library's has a font from another host, and scripts within the page."""
        size = to_int(request.query.get("fontsize", ""), 16)
        text = _PAGE.substitute(host=escape(request.host), font_size=size)
        return web.Response(text=text, content_type="text/html")

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Run a dashboard for as long as its page is open."""
        page = web.WebSocketResponse(heartbeat=15, timeout=2)
        await page.prepare(request)

        async def close() -> None:
            await page.close()

        session = Session(
            self.command,
            write_bytes=page.send_bytes,
            write_str=page.send_str,
            close=close,
            download_manager=self.download_manager,
        )
        self._open.add(page)
        try:
            await session.start(to_int(request.query.get("width", ""), 80), to_int(request.query.get("height", ""), 24))
            await self._process_messages(page, session)
        finally:
            self._open.discard(page)
            await session.stop()
        return page


async def _protect(request: web.Request, response: web.StreamResponse) -> None:
    """Nothing comes from or goes to another host."""
    response.headers.update(_HEADERS)
    response.headers[hdrs.CONTENT_SECURITY_POLICY] = _POLICY + request.host


def serve(options: Options, guard: Guard, listening: socket.socket) -> None:
    """Serve the dashboard at a socket that listens, until SIGINT or SIGTERM; nothing is written to stdout."""
    if options.place.key is not None:
        # The processes inherit it; in their arguments every user of the machine could read it.
        os.environ["FLOWRUN_KEY"] = options.place.key
    server = Web(f"exec {shlex.join(_command(options))}", guard)
    with contextlib.redirect_stdout(sys.stderr):
        web.run_app(server.application(), sock=listening, access_log=None, print=None, shutdown_timeout=2 * _PATIENCE)


def _command(options: Options) -> list[str]:
    """The same dashboard once more; `-P` keeps Python from modules of the directory that it is started in."""
    place = options.place
    given = [
        f"--socket={place.socket}" if place.url is None else f"--url={place.url}",
        f"--tenant={options.tenant}" if options.tenant is not None else None,
        "--readonly" if options.readonly else None,
        "--ascii" if options.ascii else None,
    ]
    return [sys.executable, "-P", "-m", "tui", *(one for one in given if one is not None)]
