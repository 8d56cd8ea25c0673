"""Takes the values of secrets out of what a node answered, in every spelling that an echo is likely to have."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from flowrun.domain.json import JsonValue
from flowrun.domain.node_type import Awaiting, Called, Failed, Outcome, Respond
from flowrun.nodes.spellings import SHORTEST, Unescaped, replaced, spellings

SCRUBBED = "***"


class Scrubber:
    """Replaces some secrets by `***`."""

    def __init__(self, values: Collection[str]) -> None:
        self._values = tuple(sorted(set(values)))
        found = {spelling for value in self._values for spelling in spellings(value)}
        self._spellings = [(spelling.beginning, spelling) for spelling in found]

    def outcome(self, outcome: Outcome) -> Outcome:
        """What a node answered, without the secrets."""
        if isinstance(outcome, Failed):
            return replace(
                outcome,
                type=self.text(outcome.type),
                message=self.text(outcome.message),
                details=self.value(outcome.details),
            )
        if isinstance(outcome, Respond):
            headers = {name: self.text(value) for name, value in outcome.headers.items()}
            return replace(outcome, output=self.value(outcome.output), headers=headers, body=self.value(outcome.body))
        if isinstance(outcome, Called):
            return replace(outcome, input=self.value(outcome.input))
        if isinstance(outcome, Awaiting):
            form = self.value(outcome.form)
            return replace(outcome, form=form if isinstance(form, dict) else None)
        return replace(outcome, output=self.value(outcome.output))

    def text(self, text: str) -> str:
        """A text without the secrets, also without one that the text's end cuts off (an excerpt)."""
        suspected = [spelling for beginning, spelling in self._spellings if beginning in text]
        if suspected:
            spans = [span for spelling in suspected for span in spelling.spans(text)]
            cuts = [at for spelling in suspected if (at := spelling.cut_off(text)) is not None]
            text = replaced(text, spans + [(at, len(text)) for at in cuts], SCRUBBED)
        return self._unescaped(text) if "%" in text or "+" in text else text

    def _unescaped(self, text: str) -> str:
        plain = Unescaped(text)
        spans = [span for value in self._values for span in plain.spans(value)]
        spans += [span for value in self._values if (span := plain.cut_off(value)) is not None]
        return plain.replaced(spans, SCRUBBED) if spans else text

    def value(self, value: JsonValue) -> JsonValue:
        """A JSON value without the secrets, in its keys and numbers too."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {self.text(key): self.value(item) for key, item in value.items()}
        if isinstance(value, int | float) and not isinstance(value, bool) and self._is_in(str(value)):
            return SCRUBBED
        return value

    def _is_in(self, number: str) -> bool:
        return any(len(secret) >= SHORTEST and secret in number for secret in self._values)
