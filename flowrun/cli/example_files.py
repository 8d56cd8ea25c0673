"""Where the examples are: within the installed package, or beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

import flowrun
from flowrun.errors import NotFoundError


def examples_dir() -> Path:
    """The directory of the examples. Raises `NotFoundError` when this installation lacks them."""
    package = Path(flowrun.__file__).parent
    for place in (package / "examples", package.parent / "examples"):
        if (place / "github-push.yaml").is_file():
            return place
    raise NotFoundError("This installation has no examples: neither within the package nor beside it")
