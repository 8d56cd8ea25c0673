"""The reference of the webhook figures: what hypercorn and Starlette alone cost, on the same kind of event loop."""

from __future__ import annotations

import sys

import uvloop
from hypercorn.asyncio import serve
from hypercorn.config import Config
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def echo(request: Request) -> JSONResponse:
    """Answer with the JSON that came."""
    return JSONResponse(await request.json())


def main(port: int) -> None:
    """Serve until killed."""
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.errorlog = config.accesslog = None
    config.keep_alive_max_requests = 1_000_000  # As the service: a connection serves the whole load.
    uvloop.run(serve(Starlette(routes=[Route("/echo", echo, methods=["POST"])]), config))


if __name__ == "__main__":
    main(int(sys.argv[1]))
