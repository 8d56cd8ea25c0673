"""Instagram: direct messages and comments."""

from __future__ import annotations

from flowrun.triggers.providers.messenger import normalise_messenger as normalise
from flowrun.triggers.providers.messenger import parts_of_messenger as parts

__all__ = ["normalise", "parts"]
