"""The dashboard stands alone and starts at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys

HEAVY = {
    "flowrun",
    "sqlalchemy",
    "pydantic",
    "alembic",
    "starlette",
    "hypercorn",
    "taskiq",
    "yaml",
    "cryptography",
    "re2",
}


def test_it_imports_nothing_of_the_service_and_nothing_heavy():
    code = "import sys, json, tui.app; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(json.loads(done.stdout))


def test_the_command_line_does_not_import_it_for_its_help():
    code = (
        "import sys; from flowrun.cli.dashboard import dashboard; "
        "print([name for name in sys.modules if name.startswith(('tui', 'textual'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_module_runs_by_itself():
    done = subprocess.run([sys.executable, "-m", "tui"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--socket or --url" in done.stderr


def test_a_letter_soon_after_escape_is_a_letter():
    code = (
        "import tui.running, sys; before = 'textual' in sys.modules; tui.running.tell_escape_early(); "
        "from textual import constants; print(before, constants.ESCAPE_DELAY)"
    )
    for given, expected in (({}, "False 0.025"), ({"ESCDELAY": "300"}, "False 0.3")):
        env = {name: value for name, value in os.environ.items() if name != "ESCDELAY"} | given
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
        assert done.stdout.strip() == expected
