"""The reference that users read is what the types say."""

from __future__ import annotations

from pathlib import Path

from flowrun.channels import CHANNEL_TYPES
from flowrun.channels.reference import reference


def test_the_reference_is_up_to_date():
    committed = (Path(__file__).parents[3] / "docs" / "channels.md").read_text()
    assert committed == reference(CHANNEL_TYPES.values()), "run python -m flowrun.channels.reference > docs/channels.md"
