"""A schedule as its row holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

import orjson

from flowrun.domain.json import JsonObject
from flowrun.triggers.schedules.policy import Policy
from flowrun.triggers.schedules.timing import Timing, timing_of


class ScheduleStatus(StrEnum):
    """Whether a schedule fires; only an active one has a next time."""

    ACTIVE = "active"
    PAUSED = "paused"
    """By hand, until it is resumed."""
    INACTIVE = "inactive"
    """Its workflow isn't published, or its node is disabled."""
    ENDED = "ended"
    """It has no time left."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule at one moment. Times are ms since the epoch; `next_at` is None unless it is active."""

    id: str
    tenant_id: str
    workflow_id: str
    node_id: str
    name: str
    config: JsonObject
    """The params of the schedule node, with their defaults."""
    timing: Timing
    policy: Policy
    next_at: int | None


def schedule_from(row: Mapping[Any, Any]) -> Schedule:
    """The schedule of a row of the table. Raises as `timing_of`."""
    config, timing, policy = _parsed(row["config"], row["anchor_at"])
    return Schedule(
        id=row["id"],
        tenant_id=row["tenant_id"],
        workflow_id=row["workflow_id"],
        node_id=row["node_id"],
        name=row["name"],
        config=config,
        timing=timing,
        policy=policy,
        next_at=row["next_at"],
    )


@lru_cache(maxsize=10_000)
def _parsed(config: str, anchor: int) -> tuple[JsonObject, Timing, Policy]:
    loaded: JsonObject = orjson.loads(config)
    return loaded, timing_of(loaded, anchor), Policy.of(loaded)
