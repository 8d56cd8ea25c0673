"""n8n on its own SQLite: webhook, set, respond; it stores every execution, as it does unless told otherwise."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.peers import hook
from benchmarks.peers.place import Columns, Place, npm_version
from benchmarks.service import free_port


def measure(place: Place, executions: int, seconds: float) -> Columns:  # noqa: ARG001 - only the webhook is compared
    """The webhook figures."""
    installed = place.npm_install("n8n", add_ons=("isolated-vm", "sqlite3"))
    workflow = installed / "workflow.json"
    with tempfile.TemporaryDirectory(prefix="flowrun-peer-") as name:
        folder, port = Path(name), free_port()
        start = ["env", *_environment(name, port), place.node(), str(installed / "node_modules/n8n/bin/n8n")]
        for command in (
            ["import:workflow", f"--input={workflow}"],
            ["publish:workflow", f"--id={json.loads(workflow.read_text())['id']}"],
        ):
            if subprocess.run([*start, *command], check=False, stdout=sys.stderr).returncode != 0:
                raise SystemExit(f"n8n {command[0]} failed")
        figures = hook.measure([*start, "start"], port, "/webhook/hook", seconds=seconds, folder=folder)
    return {f"n8n {npm_version(installed, 'n8n')}": figures}


def _environment(folder: str, port: int) -> list[str]:
    """Its home and its port, nothing that goes out to the network, and free ports beside its usual ones."""
    return [
        f"N8N_USER_FOLDER={folder}",
        f"N8N_PORT={port}",
        "N8N_LISTEN_ADDRESS=127.0.0.1",
        f"N8N_RUNNERS_BROKER_PORT={free_port()}",
        "N8N_DIAGNOSTICS_ENABLED=false",
        "N8N_VERSION_NOTIFICATIONS_ENABLED=false",
        "N8N_TEMPLATES_ENABLED=false",
        "N8N_LOG_LEVEL=error",
        "N8N_GRACEFUL_SHUTDOWN_TIMEOUT=5",
    ]
