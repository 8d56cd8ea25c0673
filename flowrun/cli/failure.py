"""How the command line fails: one readable line on stderr and an exit code."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import TypeVar

import click

from flowrun.errors import ConfigurationError, FlowrunError, InvalidInputError, MalformedError, UnavailableError

R = TypeVar("R")

FAILED = 1
USAGE = 2
NO_SERVICE = 3
INTERRUPTED = 130


class NoServiceError(UnavailableError):
    """No service answers."""


class ArgumentError(MalformedError):
    """An argument can't be read, so nothing was asked of the service."""


def guarded(call: Callable[[], R], *, debug: bool) -> R:
    """Give what the call gives; what it raises becomes a message and the exit code that click ends with."""
    try:
        return call()
    except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
        raise
    except KeyboardInterrupt:
        click.echo(err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None
    except Exception as error:
        if debug:
            click.echo(traceback.format_exc(), err=True)
        raise _ended(_cause(error), debug=debug) from error


def _cause(error: Exception) -> Exception:
    """The one error in a task group, however deep."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _ended(error: Exception, *, debug: bool) -> click.exceptions.Exit:
    message, code = f"flowrun stopped unexpectedly: {type(error).__name__}: {error}", FAILED
    if isinstance(error, FlowrunError):
        message, code = described(error), exit_code_of(error)
    elif not debug:
        message += " (`flowrun --debug …` shows the trace)"
    click.echo(click.style("Error: ", fg="red", bold=True) + message, err=True)
    return click.exceptions.Exit(code)


def described(error: FlowrunError) -> str:
    """The message, and each issue on a line of its own."""
    issues = error.issues if isinstance(error, InvalidInputError) else ()
    return "\n".join([str(error), *(f"  {issue}" for issue in issues)])


def exit_code_of(error: FlowrunError) -> int:
    """The exit code that an error stands for."""
    if isinstance(error, NoServiceError):
        return NO_SERVICE
    return USAGE if isinstance(error, ConfigurationError | ArgumentError) else FAILED
