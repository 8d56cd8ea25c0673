"""Node-RED: http in, function, http response; it stores nothing of what it runs."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from benchmarks.peers import hook
from benchmarks.peers.place import Columns, Place, npm_version
from benchmarks.service import free_port


def measure(place: Place, executions: int, seconds: float) -> Columns:  # noqa: ARG001 - it has no executions
    """The webhook figures."""
    installed = place.npm_install("node_red")
    red = str(installed / "node_modules/node-red/red.js")
    with tempfile.TemporaryDirectory(prefix="flowrun-peer-") as name:
        folder, port = Path(name), free_port()
        for file in ("flows.json", "settings.js"):
            shutil.copy(installed / file, folder)
        command = [place.node(), red, "--userDir", name, "--settings", f"{name}/settings.js", "--port", str(port)]
        figures = hook.measure(command, port, "/hook", seconds=seconds, folder=folder)
    return {f"Node-RED {npm_version(installed, 'node-red')}": figures}
