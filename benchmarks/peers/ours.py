"""Our own figures, of the same work in the same run; `python -m benchmarks` has the rest."""

from __future__ import annotations

from importlib.metadata import version

import uvloop

from benchmarks import engine, service
from benchmarks.peers.place import Columns, Place


def measure(place: Place, executions: int, seconds: float) -> Columns:  # noqa: ARG001 - it is installed
    """The engine's and the service's."""
    return {f"flowrun {version('flowrun')}": uvloop.run(engine.measure(executions)) | service.measure(seconds)}
