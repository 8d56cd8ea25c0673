"""The webhook figures of a peer: the same request and the same load as ours, measured from outside."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path

from benchmarks.service import BODY, load, memory_mb, server

_PATIENCE_S = 180


def measure(
    command: list[str], port: int, path: str, *, seconds: float, folder: Path, beside: Iterable[int] = ()
) -> dict[str, float]:
    """Start a server and load its webhook; `beside` are the processes that it needs, whose memory counts too.

    `start_s` ends with the webhook's first answer: some peers listen long before they answer.
    """
    began = time.perf_counter()
    with server(command, port) as (process, _):
        _until_answered(f"http://127.0.0.1:{port}{path}")
        start = time.perf_counter() - began
        time.sleep(1)
        idle = sum(memory_mb(pid) for one in (process.pid, *beside) for pid in _family(one))
        many = load(port, path, 16, seconds, folder)
        single = load(port, path, 1, seconds / 2, folder)
    return {
        "start_s": round(start, 2),
        "idle_mb": round(idle, 1),
        "webhook_requests_per_s": many["requests_per_s"],
        "webhook_p50_ms": many["p50_ms"],
        "webhook_p99_ms": many["p99_ms"],
        "webhook_one_connection_p50_ms": single["p50_ms"],
    }


def _until_answered(url: str) -> None:
    request = urllib.request.Request(url, BODY, {"Content-Type": "application/json"})
    until = time.monotonic() + _PATIENCE_S
    last: object = None
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                last = answer.read()
                if b"4211" in last:  # n8n answers 200 while it is starting.
                    return
        except (urllib.error.URLError, ConnectionError) as error:
            last = error
        time.sleep(0.02)
    raise SystemExit(f"{url} answers {last!r}")


def _family(pid: int) -> list[int]:
    """The process and those that it started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in _family(int(child)))]
