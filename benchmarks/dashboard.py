"""What the dashboard costs, itself and the service it looks at: `python -m benchmarks.dashboard`.

Real processes: a service, the load on its webhook, and `flowrun dashboard` in a pseudo-terminal of 160 by 45 whose
output is read as a terminal would. Its cost is processor time as the kernel counts it, which other work on the machine
sways far less than the clock. Rounds with and without dashboards take turns, as in `benchmarks.streams`.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import service
from benchmarks.relay import Relay

COUNTS = (0, 1, 10)
COLUMNS, LINES = 160, 45
RATE = 500
"""Executions per second that are asked for while the dashboard is watched; what was reached is told."""
FLOOD = """
id: flood
name: Flood
nodes:
  - {id: in, type: webhook, params: {path: flood, auth: none}}
  - {id: shape, type: transform, params: {value: {order: "{{ input.order }}"}}}
edges: [in -> shape]
"""
"""Executions that the caller doesn't wait for: as many a second as are accepted."""
_SETTLE = 2.0
"""Seconds after the first frame that aren't counted: the rest of what a start does."""
_TAIL = 1 << 16
"""Bytes of what was written last that are looked through for what is waited for."""
_READER = """
import socket, sys, threading, time
def ask(path):
    one = socket.socket(socket.AF_UNIX)
    one.connect(sys.argv[1])
    one.sendall(b"GET " + path + b" HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n")
    while one.recv(1 << 20):
        pass
def figures():
    while True:
        ask(b"/api/v1/stats")
        ask(b"/api/v1/tenants/default/stats")
        time.sleep(1.5)
for _ in range(int(sys.argv[2])):
    threading.Thread(target=ask, args=(b"/api/v1/stream",)).start()
    threading.Thread(target=figures).start()
"""


class Terminal:
    """A dashboard in a pseudo-terminal, and what it has written."""

    def __init__(self, path: Path) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        env = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        command = [sys.executable, "-m", "flowrun", "dashboard", "--socket", str(path), "--tenant", "default"]
        self.began = time.perf_counter()
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=env)
        os.close(slave)
        self.written = 0
        """Bytes so far."""
        self._wanted, self._seen_at = b"", 0.0
        self._seen, self._ended = threading.Event(), threading.Event()
        self._seen.set()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def until(self, text: str) -> float:
        """Wait until it writes this; gives the seconds since the process was started."""
        self._wanted = text.encode()
        self._seen.clear()
        if not self._seen.wait(30) or self._ended.is_set():
            raise SystemExit(f"the dashboard has not shown {text}")
        return self._seen_at - self.began

    def _read(self) -> None:
        tail = b""
        while True:  # What comes before anything is waited for is kept: it may hold what will be.
            try:
                chunk = os.read(self._master, 1 << 16)
            except OSError:  # The process has ended: the terminal is closed.
                break
            self.written += len(chunk)
            tail = tail[-_TAIL:] + chunk
            if not self._seen.is_set() and self._wanted in tail:
                self._seen_at = time.perf_counter()
                self._seen.set()
        self._ended.set()
        self._seen.set()

    def close(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()
        self._reader.join(5)
        os.close(self._master)


@dataclass(frozen=True, slots=True)
class Bench:
    """A running service and where things are."""

    folder: Path
    port: int
    pid: int

    @property
    def socket(self) -> Path:
        """The service's socket."""
        return self.folder / "data" / "flowrun.sock"

    def load(self, seconds: float, rate: float = 0, hook: str = "hook") -> float:
        """Start executions by their webhook; gives how many a second were answered."""
        return service.load(self.port, f"/webhooks/default/{hook}", 16, seconds, self.folder, rate)["requests_per_s"]

    def newest(self) -> str:
        """The end of the newest execution's id, as a list shows it."""
        answer = b""
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(str(self.socket))
            one.sendall(b"GET /api/v1/executions?limit=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            while chunk := one.recv(1 << 16):
                answer += chunk
        return re.search(rb'"id":"([0-9a-f-]{36})"', answer).group(1)[-6:].decode()


@contextmanager
def running() -> Iterator[Bench]:
    """A service with webhooks and some executions."""
    with tempfile.TemporaryDirectory(prefix="flowrun-bench-") as name:
        folder, port = Path(name), service.free_port()
        files = folder / "workflows"
        files.mkdir()
        (files / "hook.yaml").write_text(service.WORKFLOW)
        (files / "flood.yaml").write_text(FLOOD)
        data = str(folder / "data")
        serve = [sys.executable, "-m", "flowrun", "serve", "--data-dir", data, "--port", str(port)]
        with service.server(serve, port) as (process, _):
            service.flowrun("apply", str(files), env=dict(os.environ, FLOWRUN_DATA_DIR=data))
            bench = Bench(folder, port, process.pid)
            bench.load(0.5)
            yield bench


@contextmanager
def dashboards(bench: Bench, count: int) -> Iterator[None]:
    """So many that look: the first is a real one, the others read what it reads and draw nothing."""
    terminal = Terminal(bench.socket) if count else None
    command = [sys.executable, "-S", "-c", _READER, str(bench.socket), str(count - 1)]
    readers = subprocess.Popen(command) if count > 1 else None
    try:
        if terminal is not None:
            terminal.until(bench.newest())
            time.sleep(_SETTLE / 4)
        yield
    finally:
        if terminal is not None:
            terminal.close()
        if readers is not None:
            readers.kill()
            readers.wait()


def start(bench: Bench, times: int) -> dict[str, float]:
    """From the start of the process to the first frame with a row in it."""
    walls, spent = [], []
    for _ in range(times):
        terminal = Terminal(bench.socket)
        try:
            walls.append(terminal.until(bench.newest()))
            spent.append(service.cpu_seconds(terminal.process.pid))
        finally:
            terminal.close()
    return {
        "dashboard_first_rows_s": round(statistics.median(walls), 2),
        "dashboard_first_rows_cpu_s": round(statistics.median(spent), 2),
    }


def attached(bench: Bench, seconds: float) -> dict[str, float]:
    """Percent of a core, and memory: while nothing happens, and while executions pass."""
    terminal = Terminal(bench.socket)
    try:
        terminal.until(bench.newest())
        time.sleep(_SETTLE)
        pid = terminal.process.pid
        idle = _percent(pid, lambda: time.sleep(seconds))
        reached: list[float] = []
        written = terminal.written
        busy = _percent(pid, lambda: reached.append(bench.load(seconds, RATE)))
        kilobytes = (terminal.written - written) / 1000
        flood = _percent(pid, lambda: reached.append(bench.load(seconds, hook="flood")))
        return {
            "dashboard_idle_cpu_percent": idle,
            "dashboard_busy_cpu_percent": busy,
            "dashboard_busy_executions_per_s": reached[0],
            "dashboard_busy_written_kb_per_s": round(kilobytes / seconds, 1),
            "dashboard_flood_cpu_percent": flood,
            "dashboard_flood_executions_per_s": reached[1],
            "dashboard_mb": round(service.memory_mb(pid), 1),
        }
    finally:
        terminal.close()


def beyond(bench: Bench, seconds: float) -> dict[str, float]:
    """Percent of a core while twice as many executions are told of, and how late the last of them is shown."""
    relay = Relay(bench.socket, bench.folder / "relay.sock")
    terminal = Terminal(relay.socket)
    try:
        terminal.until(bench.newest())
        time.sleep(_SETTLE)
        last: list[str] = []
        percent = _percent(terminal.process.pid, lambda: last.append(relay.flood(seconds, 2 * RATE)))
        told = time.perf_counter()
        shown = terminal.until(last[0][-6:]) + terminal.began
        return {
            "dashboard_1000_cpu_percent": percent,
            "dashboard_1000_last_row_s": round(max(shown - told, 0), 2),
        }
    finally:
        terminal.close()


def _percent(pid: int, doing: Callable[[], object]) -> float:
    began, spent = time.perf_counter(), service.cpu_seconds(pid)
    doing()
    return round((service.cpu_seconds(pid) - spent) / (time.perf_counter() - began) * 100, 2)


def watched(bench: Bench, seconds: float, rounds: int) -> dict[str, float]:
    """What looking costs the service: answers per second, and its processor time for one."""
    rates: dict[int, list[float]] = {count: [] for count in COUNTS}
    costs: dict[int, list[float]] = {count: [] for count in COUNTS}
    for number in range(rounds):
        for count in COUNTS if number % 2 else COUNTS[::-1]:
            with dashboards(bench, count):
                spent = service.cpu_seconds(bench.pid)
                rate = bench.load(seconds)
                rates[count].append(rate)
                costs[count].append((service.cpu_seconds(bench.pid) - spent) / rate)
    return {
        **{f"webhook_rate_{n}_to_0_dashboards": _ratio(rates[n], rates[0]) for n in COUNTS[1:]},
        **{f"webhook_cpu_{n}_to_0_dashboards": _ratio(costs[n], costs[0]) for n in COUNTS[1:]},
    }


def _ratio(of: list[float], to: list[float]) -> float:
    """Round by round, so that a slow minute of the machine is in both."""
    return round(statistics.median(one / other for one, other in zip(of, to, strict=True)), 3)


def measure(seconds: float, rounds: int = 3) -> dict[str, float]:
    """All figures of the dashboard; `seconds` is how long each of its states is watched."""
    with running() as bench:
        return {
            **start(bench, max(rounds, 2)),
            **attached(bench, seconds),
            **beyond(bench, seconds),
            **watched(bench, min(1.0, seconds), rounds),
        }


if __name__ == "__main__":
    for _name, _figure in measure(6.0).items():
        print(f"{_name:34} {_figure:>10g}")
