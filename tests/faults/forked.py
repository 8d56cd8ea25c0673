"""A service whose processes are forked from one that has imported everything: a start costs a fraction of a second."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any

from support.service import Service

PROCESS = Path(__file__).parent / "process"


class Forked:
    """One forked process, as far as `subprocess.Popen` shows it."""

    def __init__(self, requests: IO[bytes], answers: IO[bytes]) -> None:
        requests.write(b"\n")
        requests.flush()
        self.pid = int(answers.readline())
        self._code: int | None = None
        self._ended = threading.Event()
        threading.Thread(target=self._await_end, args=[answers], daemon=True).start()

    def _await_end(self, answers: IO[bytes]) -> None:
        self._code = int(answers.readline() or -1)
        self._ended.set()

    def poll(self) -> int | None:
        """The exit code, if it has ended."""
        return self._code

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; gives the exit code. Raises `subprocess.TimeoutExpired`."""
        if not self._ended.wait(timeout):
            raise subprocess.TimeoutExpired("flowrun", timeout or 0)
        assert self._code is not None
        return self._code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if not self._ended.is_set():
            os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


class ForkedService(Service):
    """See `support.service`; faults come as variables of the environment."""

    def __init__(self, data_dir: Path, faults: dict[str, str], **settings: str) -> None:
        super().__init__(data_dir, **settings)
        self.variables = {**faults, "FAULT_FORK": "1"}
        self._parent: subprocess.Popen[bytes] | None = None

    def launch(self) -> Any:
        """See `Service.launch`."""
        if self._parent is None:
            command = [sys.executable, str(PROCESS), "serve", "--port", str(self.port)]
            pipe = subprocess.PIPE
            with self.log.open("ab") as log:
                self._parent = subprocess.Popen(command, env=self.env, stdin=pipe, stdout=pipe, stderr=log)
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self.process = Forked(self._parent.stdin, self._parent.stdout)  # type: ignore[assignment]
        return self.process

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        if self._parent is not None:
            self._parent.communicate(timeout=10)
