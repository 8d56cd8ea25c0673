"""BullMQ on a Redis of its own, which writes its log to the disk every second, or with every change as SQLite does."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.peers import hook
from benchmarks.peers.place import Columns, Place, npm_version, printed
from benchmarks.service import free_port


def measure(place: Place, executions: int, seconds: float) -> Columns:
    """All figures, for each way of writing to the disk."""
    if shutil.which("redis-server") is None:
        raise SystemExit("BullMQ needs redis-server")
    folder = place.npm_install("bullmq")
    start = [place.node(), str(folder / "bench.mjs")]
    version = npm_version(folder, "bullmq")
    return {f"BullMQ {version}, {sync}": _measure(start, sync, executions, seconds) for sync in ("everysec", "always")}


def _measure(start: list[str], sync: str, executions: int, seconds: float) -> dict[str, float]:
    with _redis(sync) as (_, port, _):
        figures = printed([*start, "engine", str(port), str(executions)])
    with _redis(sync) as (process, port, redis_start):
        web = free_port()
        with tempfile.TemporaryDirectory(prefix="flowrun-peer-") as folder:
            found = hook.measure(
                [*start, "serve", str(port), str(web)],
                web,
                "/hook",
                seconds=seconds,
                folder=Path(folder),
                beside=[process.pid],
            )
    found["start_s"] = round(found["start_s"] + redis_start, 2)
    return figures | found


@contextmanager
def _redis(sync: str) -> Iterator[tuple[subprocess.Popen[bytes], int, float]]:
    """An empty Redis; gives its process, its port and the seconds it took to start."""
    with tempfile.TemporaryDirectory(prefix="flowrun-peer-") as folder:
        port, began = free_port(), time.perf_counter()
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--dir", folder, "--save", ""]
        command += ["--appendonly", "yes", "--appendfsync", sync, "--logfile", f"{folder}/log"]
        process = subprocess.Popen(command)
        try:
            _until_ready(port, process)
            yield process, port, time.perf_counter() - began
        finally:
            process.terminate()
            process.wait(15)


def _until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as one:
                one.sendall(b"PING\r\n")
                if one.recv(5) == b"+PONG":
                    return
        except OSError:
            time.sleep(0.005)
    raise SystemExit(f"Redis ended with {process.returncode}")
