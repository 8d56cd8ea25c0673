"""Facebook pages: Messenger and the feed."""

from __future__ import annotations

from flowrun.triggers.providers.messenger import normalise_messenger as normalise

__all__ = ["normalise"]
