"""What the outside has seen: every acceptance and every call, on disk before it is answered."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any


class Journal:
    """A file of JSON lines, each synced before `note` returns. Times are milliseconds since the epoch."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("ab", buffering=0)
        self._lock = threading.Lock()

    def note(self, kind: str, **fields: Any) -> None:
        """Write a line down for good."""
        line = json.dumps({"kind": kind, "at": time.time() * 1000, **fields}).encode() + b"\n"
        with self._lock:
            self._file.write(line)
            os.fsync(self._file.fileno())

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The lines of a kind, read from the disk, in the order of their coming."""
        lines = map(json.loads, self._path.read_text().splitlines())
        return [line for line in lines if line["kind"] == kind]

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
