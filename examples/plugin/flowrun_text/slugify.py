"""A node that the engine runs itself: pure and quick."""

from __future__ import annotations

import re
import unicodedata
from types import MappingProxyType
from typing import Any

from pydantic import Field

from flowrun.domain.node_type import Completed, Failed, NodeContext, Outcome
from flowrun.nodes.base import EngineNodeType
from flowrun.nodes.params import ParamsModel


class SlugifyParams(ParamsModel):
    """The params of `slugify`."""

    text: str = Field(description="What the slug is made of.")
    separator: str = Field(default="-", max_length=5, description="What stands between the words.")
    max_length: int = Field(default=80, ge=1, le=500, description="Characters; it is cut between words.")


class Slugify(EngineNodeType):
    """Makes a slug of a text: `Crème brûlée, 2 portions` becomes `creme-brulee-2-portions`.

    A text without a letter or digit of the Latin script fails as `empty_slug`.
    """

    name = "slugify"
    Params = SlugifyParams
    example = MappingProxyType({"text": "{{ input.title }}", "max_length": 40})

    def decide(self, context: NodeContext) -> Outcome:
        """Complete with the slug."""
        params: Any = context.params
        plain = unicodedata.normalize("NFKD", params["text"]).encode("ascii", "ignore").decode()
        words = re.findall(r"[a-z0-9]+", plain.lower())
        if not words:
            return Failed("empty_slug", "The text has no letter or digit that a slug could be made of")
        return Completed(_joined(words, params["separator"], params["max_length"]))


def _joined(words: list[str], separator: str, most: int) -> str:
    slug = words[0][:most]
    for word in words[1:]:
        if len(slug) + len(separator) + len(word) > most:
            break
        slug += separator + word
    return slug
