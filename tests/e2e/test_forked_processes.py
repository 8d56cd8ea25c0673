"""The processes that most tests start are forked from one that has imported flowrun: they are what fresh ones are."""

from __future__ import annotations

import pytest
from support.service import Service

COMMANDS = {
    "version": (["--version"], 0),
    "no such command": (["nope"], 2),
    "a file of the working directory": (["validate", "README.md"], 1),
    "no service": (["executions", "list"], 3),
    "settings": (["config", "-o", "json"], 0),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_says_the_same_and_ends_the_same(tmp_path, command):
    arguments, code = COMMANDS[command]
    fresh, forked = (
        Service(tmp_path / "data", fresh=fresh, log_level="error").flowrun(*arguments, check=False)
        for fresh in (True, False)
    )
    assert fresh.returncode == code, fresh.stdout + fresh.stderr
    assert (forked.returncode, forked.stdout, forked.stderr) == (code, fresh.stdout, fresh.stderr)
    assert fresh.stdout + fresh.stderr


@pytest.mark.parametrize("fresh", [True, False])
def test_the_end_of_a_service_is_told(tmp_path, fresh):
    with Service(tmp_path / "data", fresh=fresh) as service:
        first = service.process
        assert first.poll() is None
        service.kill()
        assert first.wait(1) == first.poll() == first.returncode == -9
        service.start()
        assert service.process.pid != first.pid
        assert service.stop() == 0
