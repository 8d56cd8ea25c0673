"""A real flowrun process, started, killed and asked from outside."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import httpx2
from support.forks import Fork, fork, run

START_SECONDS = 60


class Service:
    """One data directory and the process that serves it at the moment.

    A process is forked from one that has imported flowrun already, unless it is to be `fresh`: all that a start takes.
    """

    program: tuple[str, ...] = ("-m", "flowrun")
    """What is run by Python."""

    def __init__(self, data_dir: Path, *, fresh: bool = False, **settings: str) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.socket = data_dir / "s"
        self.log = data_dir.with_name(f"{data_dir.name}.log")
        self._settings = settings
        self.variables: dict[str, str] = {}
        """Of the environment, beside the settings."""
        self.process: subprocess.Popen[bytes] | Fork | None = None
        self._fresh = fresh

    @property
    def url(self) -> str:
        """Where it listens on TCP."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def env(self) -> dict[str, str]:
        """The environment of the process, and of a command line that talks to it."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith("FLOWRUN_")}
        own = {f"FLOWRUN_{name.upper()}": value for name, value in self._settings.items()}
        return (
            plain | {"FLOWRUN_DATA_DIR": str(self.data_dir), "FLOWRUN_SOCKET": str(self.socket)} | own | self.variables
        )

    def launch(self) -> subprocess.Popen[bytes] | Fork:
        """Start the process, and don't wait until it is ready."""
        arguments = [*self.program, "serve", "--port", str(self.port)]
        with self.log.open("ab") as log, Path(os.devnull).open("rb") as nothing:
            if self._fresh:
                self.process = subprocess.Popen([sys.executable, *arguments], env=self.env, stdout=log, stderr=log)
            else:
                self.process = fork(arguments, self.env, stdin=nothing, stdout=log, stderr=log)
        return self.process

    def start(self) -> None:
        """Start the process and return when it is ready."""
        process = self.launch()
        until = time.monotonic() + START_SECONDS
        while not self._ready():
            if process.poll() is not None or time.monotonic() > until:
                raise AssertionError(f"the service does not come up:\n{self.log.read_text()[-4000:]}")
            time.sleep(0.02)

    def _ready(self) -> bool:
        # httpx2 leaves a socket open when nobody listens yet, so that is tried without it.
        with contextlib.suppress(OSError, httpx2.HTTPError), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(self.socket))
            with self.operator() as client:
                return client.get("/readyz").status_code == 200
        return False

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; gives the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def operator(self) -> httpx2.Client:
        """A client on the socket, where no key is needed."""
        # Nothing is encrypted there, and reading the certificates would take most of the time.
        transport = httpx2.HTTPTransport(uds=str(self.socket), verify=False)
        return httpx2.Client(transport=transport, base_url="http://flowrun", timeout=30)

    def flowrun(
        self, *arguments: str, check: bool = True, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the command line against it."""
        if self._fresh:
            done = subprocess.run(
                [sys.executable, "-m", "flowrun", *arguments],
                env=self.env,
                capture_output=True,
                text=True,
                input=stdin,
                check=False,
            )
        else:
            done = run(["-m", "flowrun", *arguments], self.env, stdin)
        if check and done.returncode:
            raise AssertionError(
                f"flowrun {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
            )
        return done

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
