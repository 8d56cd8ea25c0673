"""What a webhook request costs among how many webhooks: the same request, with 1 and with 10,000 of them registered."""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.service import flowrun, free_port, load, server

MANY = 10_000
_PER_WORKFLOW = 500
_ALTERNATIONS = 3


def workflow(name: str, paths: list[str]) -> str:
    """A workflow that listens on some paths and does nothing."""
    nodes = [
        {"id": f"in{number}", "type": "webhook", "params": {"path": path, "auth": "none"}}
        for number, path in enumerate(paths)
    ]
    return json.dumps({"id": name, "name": name, "nodes": nodes})


@contextmanager
def listening(folder: Path, webhooks: int) -> Iterator[int]:
    """A service with so many webhooks; gives its port."""
    port, data = free_port(), folder / f"data-{webhooks}"
    env = dict(os.environ, FLOWRUN_DATA_DIR=str(data))
    serve = [sys.executable, "-m", "flowrun", "serve", "--data-dir", str(data), "--port", str(port)]
    files = folder / f"files-{webhooks}"
    files.mkdir()
    (files / "hook.json").write_text(workflow("hook", ["shop/orders/new"]))
    for first in range(1, webhooks, _PER_WORKFLOW):
        numbers = range(first, min(first + _PER_WORKFLOW, webhooks))
        # Half of them branch off next to the one that is asked, half elsewhere; some have variables.
        paths = [f"shop/orders/n{n}" if n % 2 else f"shop{n % 100}/{{id}}/n{n}" for n in numbers]
        (files / f"many-{first}.json").write_text(workflow(f"many-{first}", paths))
    with server(serve, port):
        flowrun("apply", str(files), env=env)
        yield port


def measure(seconds: float) -> dict[str, float]:
    """Accepted requests per second at 16 connections; the services take turns, as the machine's mood changes."""
    rates: dict[int, list[float]] = {1: [], MANY: []}
    with tempfile.TemporaryDirectory(prefix="flowrun-bench-") as name:
        folder = Path(name)
        with listening(folder, 1) as one, listening(folder, MANY) as many:
            for _ in range(_ALTERNATIONS):
                for count, port in ((1, one), (MANY, many)):
                    found = load(port, "/webhooks/default/shop/orders/new", 16, seconds / 2, folder)
                    rates[count].append(found["requests_per_s"])
    few, lots = (statistics.median(rates[count]) for count in (1, MANY))
    return {
        "accepts_per_s_1_webhook": round(few),
        "accepts_per_s_10000_webhooks": round(lots),
        "accepts_10000_to_1": round(lots / few, 3),
    }
