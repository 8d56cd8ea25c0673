"""`flowrun dashboard` as a process on a terminal of its own."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from contextlib import contextmanager

SECONDS = 30.0


class Terminal:
    """A process on a pseudo terminal, and everything that it has written."""

    def __init__(self, env: dict[str, str], *arguments: str) -> None:
        self._own, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        env = env | {"TERM": "xterm-256color", "LANG": "C.UTF-8"}
        command = [sys.executable, "-m", "flowrun", "dashboard", *arguments]
        self.process = subprocess.Popen(command, env=env, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True)
        os.close(theirs)
        self.written = b""

    def until(self, part: bytes) -> None:
        """Read until the process has written this."""
        deadline = time.monotonic() + SECONDS
        while part not in self.written:
            assert time.monotonic() < deadline, self.written[-2000:]
            if select.select([self._own], [], [], 0.1)[0]:
                self.written += self._read()

    def keys(self, text: bytes) -> None:
        """Press keys."""
        os.write(self._own, text)

    def end(self) -> int:
        """Read to the end; gives the exit code."""
        deadline = time.monotonic() + SECONDS
        while self.process.poll() is None:
            assert time.monotonic() < deadline, self.written[-2000:]
            if select.select([self._own], [], [], 0.05)[0]:
                self.written += self._read()
        return self.process.wait()

    def _read(self) -> bytes:
        try:
            return os.read(self._own, 65_536)
        except OSError:  # The other side has closed the terminal.
            return b""

    def close(self) -> None:
        """End what still runs."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        os.close(self._own)


@contextmanager
def terminal(env, *arguments):
    one = Terminal(env, *arguments)
    try:
        yield one
    finally:
        one.close()


def test_it_opens_and_closes_with_q(service, api):
    api.start("quick")
    with terminal(service.env) as one:
        one.until(b"live")
        one.until(b"Executions")
        one.keys(b"q")
        assert one.end() == 0
        assert b"\x1b[?1049l" in one.written, "the terminal is given back as it was"


def test_without_a_service_it_says_so_in_the_shell(service, tmp_path):
    with terminal(service.env, "--socket", str(tmp_path / "none")) as one:
        one.until(b"No service answers at")
        assert one.end() == 3


def test_it_needs_a_terminal(service):
    done = service.flowrun("dashboard", check=False)
    assert done.returncode == 2
    assert "needs a terminal" in done.stderr


def test_a_url_and_a_key_file_have_to_make_sense(service, tmp_path):
    with terminal(service.env, "--url", "example.com") as one:
        one.until(b"must begin with http")
        assert one.end() != 0
    with terminal(service.env, "--url", "http://127.0.0.1:1", "--key-file", str(tmp_path / "none")) as one:
        one.until(b"cannot be read")
        assert one.end() != 0
