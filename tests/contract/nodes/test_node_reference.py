"""The written reference is the generated one."""

from __future__ import annotations

from pathlib import Path

from flowrun.nodes.reference import reference
from flowrun.nodes.registry import builtin_types

DOCUMENT = Path(__file__).parents[3] / "docs" / "nodes.md"


def test_the_reference_is_up_to_date():
    written = DOCUMENT.read_text(encoding="utf-8")
    assert written == reference(builtin_types()), "run: python -m flowrun.nodes.reference > docs/nodes.md"
