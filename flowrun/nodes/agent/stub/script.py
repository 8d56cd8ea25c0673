"""The script of the stand-in: which answer comes next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from flowrun.errors import MalformedError
from flowrun.formats.yaml_text import read_yaml


class Call(BaseModel):
    """A tool call that the stand-in makes."""

    model_config = ConfigDict(extra="forbid")

    name: str
    arguments: dict[str, Any] | str = {}
    """A text is sent as it is, so that it can be broken JSON."""


class TokenUsage(BaseModel):
    """The tokens that an answer says it used."""

    model_config = ConfigDict(extra="forbid")

    input_tokens: int = 10
    output_tokens: int = 5


class Step(BaseModel):
    """One answer. Without `text`, `data`, `tool_calls`, `status`, `raw` or `hang` it repeats what the user said."""

    model_config = ConfigDict(extra="forbid")

    when: str | None = None
    """It answers only requests whose last user message has this text."""
    times: int | Literal["forever"] = 1
    text: str | None = None
    data: Any = None
    """Structured output: sent as JSON text."""
    tool_calls: list[Call] = []
    refusal: str | None = None
    finish_reason: str | None = None
    usage: TokenUsage | None = Field(default=TokenUsage())
    """Null leaves it out, as some servers do."""
    status: int = Field(default=200, ge=100, le=599)
    retry_after: float | None = None
    error: str = "scripted"
    """The message of an answer that isn't a 200."""
    raw: str | None = None
    """A body that is sent as it is: malformed JSON, for instance."""
    delay: float = Field(default=0, ge=0, le=3600)
    """Seconds before the answer."""
    hang: bool = False
    """Never answer."""
    disconnect: bool = False
    """Close the connection instead of answering."""


@dataclass(slots=True)
class Script:
    """Steps in their order: the first that fits and isn't used up answers; when none is left, the user is repeated."""

    steps: list[Step] = field(default_factory=list)
    _used: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, steps: Iterable[object]) -> Script:
        """Make a script of JSON. Raises `MalformedError`."""
        try:
            return cls([Step.model_validate(step) for step in steps])
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise MalformedError(f"A step of the script is wrong: {place}: {first['msg']}") from None

    @classmethod
    def read(cls, path: Path) -> Script:
        """Read a script: a list of steps in YAML or JSON. Raises `MalformedError`."""
        try:
            content = read_yaml(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise MalformedError(f"{path} cannot be read: {error}") from None
        if not isinstance(content, list):
            raise MalformedError(f"{path} must be a list of steps")
        return cls.of(content)

    def next(self, said: str) -> Step:
        """Return the step that answers a request whose last user message is this."""
        for number, step in enumerate(self.steps):
            used = self._used.get(number, 0)
            if (step.times == "forever" or used < step.times) and (step.when is None or step.when in said):
                self._used[number] = used + 1
                return step
        return Step()
