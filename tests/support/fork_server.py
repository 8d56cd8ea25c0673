"""A process that has imported all of flowrun, and forks: `support.forks` asks it for processes, and gives it the rest.

Each is what `python -m flowrun …` is, but for the second that its imports take.
"""

from __future__ import annotations

import gc
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import sys
import time
from importlib import import_module
from typing import Any

import flowrun
from flowrun.nodes.registry import builtin_types

LATE = (
    "aiosqlite",
    "alembic.command",
    "alembic.config",
    "alembic.ddl.sqlite",
    "anyio._backends._asyncio",
    "hypercorn.asyncio",
    "sqlalchemy.dialects.sqlite.aiosqlite",
    "uvloop",
)
"""What is imported when the service starts, or later still."""
NUMBER_BYTES = 8
"""Of the length that comes before a request, and of the process id and the exit code that are told."""


def prepare() -> None:
    """Import what any process may need."""
    for module in pkgutil.walk_packages(flowrun.__path__, "flowrun."):
        # The first is run anew each time, and Alembic loads the others its own way.
        if not module.name.endswith("__main__") and "migrations" not in module.name:
            import_module(module.name)
    for name in LATE:
        import_module(name)
    builtin_types()
    gc.collect()
    gc.freeze()  # No fork copies what the collector would only look at.


def serve(line: socket.socket) -> None:
    """Fork a process for each request until nobody is at the other end; each end is told with its exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests, which end what they have started.
    woken, wake = socket.socketpair()
    wake.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake.fileno())
    told: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([line, woken], [], [])
        if woken in ready:
            woken.recv(1024)
            tell_ends(told)
        if line in ready:
            size, files, _, _ = socket.recv_fds(line, NUMBER_BYTES, 4)
            if not size:
                return
            request = json.loads(exactly(line, int.from_bytes(size)))
            process = os.fork()
            if process == 0:
                signal.set_wakeup_fd(-1)
                for mine in (line, woken, wake):
                    mine.close()
                live(files, **request)
                return
            *standard, end = files
            for file in standard:
                os.close(file)
            told[process] = end
            os.write(end, process.to_bytes(NUMBER_BYTES))


def tell_ends(told: dict[int, int]) -> None:
    """Say with which code each process has ended that has."""
    while told:
        process, status = os.waitpid(-1, os.WNOHANG)
        if process == 0:
            return
        end = told.pop(process)
        os.write(end, os.waitstatus_to_exitcode(status).to_bytes(NUMBER_BYTES, signed=True))
        os.close(end)


def exactly(line: socket.socket, size: int) -> bytes:
    """So many bytes."""
    read = b""
    while len(read) < size:
        read += line.recv(size - len(read))
    return read


def live(files: list[int], arguments: list[str], env: dict[str, str], folder: str) -> Any:
    """Be `python` with these arguments: `-m` and a module, or a path."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, file in enumerate(files[:3]):
        os.dup2(file, number)
    for file in files:
        os.close(file)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    os.chdir(folder)
    sys.path.insert(0, folder if arguments[0] == "-m" else arguments[0])
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        return runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    sys.argv = arguments
    return runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as at_the_other_end:
        prepare()
        serve(at_the_other_end)
