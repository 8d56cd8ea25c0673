"""The fixed table of functions: an expression can call these and no others."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from flowrun.domain.expression.functions import (
    conversion,
    dates,
    encoding,
    lists,
    numbers,
    objects,
    patterns,
    text,
)
from flowrun.domain.expression.table import FunctionSpec

GROUPS = (
    conversion.GROUP,
    text.GROUP,
    numbers.GROUP,
    lists.GROUP,
    objects.GROUP,
    dates.GROUP,
    patterns.GROUP,
    encoding.GROUP,
)

FUNCTIONS: Mapping[str, FunctionSpec] = MappingProxyType(
    {function.name: function for group in GROUPS for function in group.functions}
)
"""Every function by its name, in the order of the reference."""
