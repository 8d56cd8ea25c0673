"""The root of the command line: quick, helpful, and with exit codes one can rely on."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from flowrun import __version__
from flowrun.cli import failure
from flowrun.cli.main import SECTIONS, cli
from flowrun.errors import ConfigurationError, ConflictError, FlowrunError, InvalidInputError, Issue

HEAVY = ("sqlalchemy", "taskiq", "textual", "pydantic", "starlette", "hypercorn", "httpx2", "rich", "yaml", "anyio")


def modules_after(code: str) -> set[str]:
    printed = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules, file=sys.stderr)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.partition(".")[0] for name in printed.stderr.split()}


def every_command(group: click.Group, *path: str) -> list[tuple[str, ...]]:
    context = click.Context(group)
    found = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        found.append((*path, name))
        if isinstance(command, click.Group):
            found += every_command(command, *path, name)
    return found


def test_help_imports_nothing_heavy():
    code = "from flowrun.cli.main import cli\ncli(['--help'], standalone_mode=False)"
    assert modules_after(code).isdisjoint(HEAVY)


def test_a_command_that_asks_the_service_imports_nothing_of_the_service(socket_path):
    args = ["executions", "list", "--socket", str(socket_path)]
    code = f"from flowrun.cli.main import cli\ncli({args!r}, 'flowrun', standalone_mode=False)"
    loaded = modules_after(code)
    assert "httpx2" in loaded
    assert loaded.isdisjoint({"sqlalchemy", "taskiq", "textual", "pydantic", "starlette", "hypercorn", "yaml"})


def test_the_help_lists_every_command_in_its_section(run):
    printed = run("--help").output
    for section, commands in SECTIONS.items():
        assert f"{section}:" in printed
        assert all(f"\n  {name} " in printed for name in commands)


@pytest.mark.parametrize("path", every_command(cli), ids=" ".join)
def test_every_command_has_help_with_an_example(run, path):
    result = run(*path, "--help")
    assert result.exit_code == 0
    assert f"Example: flowrun {path[0]}" in result.output or path == ("completion",)


@pytest.mark.parametrize(
    ("said", "meant"), [("exections", "executions"), ("cancel", "executions cancel"), ("revoke", "keys revoke")]
)
def test_a_command_that_is_misspelt_or_elsewhere_gets_a_suggestion(run, said, meant):
    result = run(said)
    assert result.exit_code == 2
    assert f"No such command {said!r}. Did you mean {meant!r}?" in result.stderr


def test_what_resembles_no_command_gets_no_suggestion(run):
    result = run("xyzzyx")
    assert (result.exit_code, "Did you mean" in result.stderr) == (2, False)


def test_version(run):
    assert run("--version").output == f"flowrun {__version__}\n"


def test_python_m_flowrun_is_the_command_line():
    printed = subprocess.run([sys.executable, "-m", "flowrun", "--version"], capture_output=True, text=True, check=True)
    assert printed.stdout == f"flowrun {__version__}\n"


def test_without_a_service_the_exit_code_is_3_and_the_message_says_how_to_start_one(run, socket_path):
    result = run("executions", "list")
    assert result.exit_code == failure.NO_SERVICE
    assert result.stderr.startswith(f"Error: No service answers at {socket_path}. Start it with `flowrun serve`")
    assert result.stderr.count("\n") == 1


def test_a_bad_configuration_is_a_matter_of_usage(run, environment):
    environment.setenv("FLOWRUN_PROT", "80")
    result = run("executions", "list")
    assert result.exit_code == failure.USAGE
    assert "FLOWRUN_PROT: is not a setting of flowrun (did you mean 'FLOWRUN_PORT'?)" in result.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (failure.NoServiceError(), 3),
        (ConfigurationError(), 2),
        (ConflictError(), 1),
        (FlowrunError("x"), 1),
        (ValueError("a bug"), 1),
    ],
)
def test_an_error_is_a_line_and_an_exit_code(capsys, error, code):
    def fail():
        raise error

    with pytest.raises(click.exceptions.Exit) as caught:
        failure.guarded(fail, debug=False)
    assert caught.value.exit_code == code
    assert "Traceback" not in capsys.readouterr().err


def test_debug_shows_the_trace(capsys):
    def fail():
        raise ConflictError("it is completed")

    with pytest.raises(click.exceptions.Exit):
        failure.guarded(fail, debug=True)
    assert "Traceback" in capsys.readouterr().err


def test_each_issue_has_a_line_of_its_own():
    error = InvalidInputError("Not valid:", [Issue("nodes[0].type", "is unknown", "http"), Issue("edges", "is empty")])
    assert failure.described(error).splitlines() == [
        "Not valid:",
        "  nodes[0].type: is unknown (did you mean 'http'?)",
        "  edges: is empty",
    ]
