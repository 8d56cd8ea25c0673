"""What can go wrong with code in the sandbox, in words for the person who wrote it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowrun.domain.json import JsonObject, JsonValue
from flowrun.domain.node_type import Failed

if TYPE_CHECKING:
    from pydantic_monty import Frame, MontyError, MontyRuntimeError

LONGEST_MESSAGE = 2_000
"""Characters."""
_SHOWN_FRAMES = 20
_INTERNAL = "Internal error in monty: "
_UNSUPPORTED = "The monty syntax parser does not yet support "


class CodeError(Exception):
    """Code that failed, or could not be run."""

    def __init__(self, type_: str, message: str, *, details: JsonValue = None, retryable: bool = False) -> None:
        super().__init__(message)
        self.type = type_
        """The `type` of the node's error object."""
        self.details = details
        self.retryable = retryable

    def outcome(self) -> Failed:
        """Say it as the outcome of a node."""
        return Failed(self.type, str(self), retryable=self.retryable, details=self.details)


def code_error(error: MontyError, *, timeout: float, memory_mb: int) -> CodeError:
    """Make the error of what the sandbox reports."""
    import pydantic_monty  # noqa: PLC0415 - it is loaded, or there were no error

    if isinstance(error, pydantic_monty.MontyCrashedError):
        if error.timed_out:
            return CodeError("code_timeout", f"the code took longer than {timeout:g} s")
        return CodeError("code_crashed", "the process of the code ended before the code did", retryable=True)
    if (wrong := syntax_of(error)) is not None:
        return CodeError("code_syntax", _placed(*wrong), details={"line": wrong[0]})
    if isinstance(error, pydantic_monty.MontyRuntimeError):
        return _raised(error, timeout, memory_mb)
    return CodeError("code_error", _cut(str(error)))


def _raised(error: MontyRuntimeError, timeout: float, memory_mb: int) -> CodeError:
    frames = error.traceback()
    line = frames[-1].line if frames else None
    kind, message = "code_error", error.display("type-msg").replace(_INTERNAL, "not supported in the sandbox: ")
    raised = error.exception()
    if isinstance(raised, MemoryError):
        kind, message = "code_memory", f"the code needs more than {memory_mb} MiB"
    elif isinstance(raised, TimeoutError) and "limit exceeded" in str(raised):
        kind, message = "code_timeout", f"the code took longer than {timeout:g} s"
    details: JsonObject = {"line": line, "traceback": [_frame(frame) for frame in frames[-_SHOWN_FRAMES:]]}
    return CodeError(kind, _placed(line, message), details=details)


def syntax_of(error: MontyError) -> tuple[int, str] | None:
    """Return the line and the message when the source can't be parsed, or has what the sandbox doesn't know."""
    import pydantic_monty  # noqa: PLC0415

    if not isinstance(error, pydantic_monty.MontySyntaxError | pydantic_monty.MontyRuntimeError):
        return None
    message = error.display("msg")
    if isinstance(error, pydantic_monty.MontySyntaxError):
        message = message[:1].lower() + message[1:]
    elif message.startswith(_UNSUPPORTED):
        message = f"the sandbox does not support {message.removeprefix(_UNSUPPORTED)}"
    else:
        return None
    frames = error.traceback()
    return (frames[-1].line if frames else 1), _cut(message)


def _frame(frame: Frame) -> JsonObject:
    return {"line": frame.line, "function": frame.function_name or "<module>"}


def _placed(line: int | None, message: str) -> str:
    return _cut(message if line is None else f"line {line}: {message}")


def _cut(text: str) -> str:
    text = text.replace("\0", "")  # PostgreSQL stores none.
    return text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 1] + "…"
