"""Processes of flowrun that are forked from one that has imported it already: see `support.fork_server`."""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import weakref
from functools import cache
from pathlib import Path
from threading import Lock
from typing import IO, Any

from support.fork_server import NUMBER_BYTES

SERVER = Path(__file__).with_name("fork_server.py")
AT_THE_START = ("LD_PRELOAD", "PYTHONPATH")
"""Variables that a process reads before all else: what has other ones needs another process to be forked from."""


class Fork:
    """One forked process, as far as `subprocess.Popen` shows it."""

    def __init__(self, told: int) -> None:
        weakref.finalize(self, os.close, told)
        self._told = told
        self._lock = Lock()
        self.pid = self._read()
        self.returncode: int | None = None

    def _read(self) -> int:
        number = os.read(self._told, NUMBER_BYTES)
        assert number, "the process that forks has ended"
        return int.from_bytes(number, signed=True)

    def poll(self) -> int | None:
        """The exit code, if it has ended."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; gives the exit code. Raises `subprocess.TimeoutExpired`."""
        if (code := self._ended(timeout)) is None:
            raise subprocess.TimeoutExpired("flowrun", timeout or 0)
        return code

    def _ended(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._told], [], [], timeout)[0]:
            with self._lock:
                if self.returncode is None:
                    self.returncode = self._read()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


class _Parent:
    """The process that forks; it ends when this one does."""

    def __init__(self, env: dict[str, str]) -> None:
        self._line, other = socket.socketpair()
        with other:
            number = other.fileno()
            self._process = subprocess.Popen([sys.executable, "-P", SERVER, str(number)], env=env, pass_fds=[number])
        self._lock = Lock()
        atexit.register(self._end)

    def _end(self) -> None:
        self._line.close()
        self._process.wait(10)

    def fork(self, request: dict[str, Any], files: list[IO[Any]]) -> Fork:
        mine, other = os.pipe()
        body = json.dumps(request).encode()
        with self._lock:
            numbers = [file.fileno() for file in files]
            socket.send_fds(self._line, [len(body).to_bytes(NUMBER_BYTES)], [*numbers, other])
            self._line.sendall(body)
        os.close(other)
        return Fork(mine)


@cache
def _parent(*variables: str | None) -> _Parent:
    given = {name: value for name, value in zip(AT_THE_START, variables, strict=True) if value is not None}
    others = {name: value for name, value in os.environ.items() if name not in AT_THE_START}
    return _Parent(others | given)


def fork(arguments: list[str], env: dict[str, str], *, stdin: IO[Any], stdout: IO[Any], stderr: IO[Any]) -> Fork:
    """Start what `python` with these arguments is: `-m` and a module, or a path."""
    request = {"arguments": arguments, "env": env, "folder": str(Path.cwd())}
    return _parent(*map(env.get, AT_THE_START)).fork(request, [stdin, stdout, stderr])


def run(arguments: list[str], env: dict[str, str], text: str | None) -> subprocess.CompletedProcess[str]:
    """Let such a process read this text and end; gives what it wrote."""
    with (
        tempfile.TemporaryFile("w+") as stdin,
        tempfile.TemporaryFile("w+") as out,
        tempfile.TemporaryFile("w+") as err,
    ):
        stdin.write(text or "")
        stdin.seek(0)
        code = fork(arguments, env, stdin=stdin, stdout=out, stderr=err).wait()
        for written in (out, err):
            written.seek(0)
        return subprocess.CompletedProcess(arguments, code, out.read(), err.read())
