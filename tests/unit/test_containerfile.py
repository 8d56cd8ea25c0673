"""The container's definition, as far as it can be checked without building one."""

from __future__ import annotations

from pathlib import Path

from flowrun.cli.main import cli

ROOT = Path(__file__).parents[2]
LINES = (ROOT / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()


def test_what_is_copied_is_there_and_reaches_the_builder():
    copied = {name for line in LINES if line.startswith("COPY") and "--from" not in line for name in line.split()[1:-1]}
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert copied == {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert not [name for name in copied if not (ROOT / name).exists()]


def test_its_commands_are_ours():
    said = "\n".join(LINES)
    assert 'ENTRYPOINT ["flowrun"]' in said
    for command in ("serve", "healthcheck"):
        assert f'"{command}"]' in said
        assert cli.get_command(None, command) is not None
