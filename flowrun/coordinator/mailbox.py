"""What comes in for one execution, and who waits for the outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from flowrun.coordinator.admission import Admission
from flowrun.domain.execution import Execution
from flowrun.domain.facts import Fact

R = TypeVar("R")


@dataclass(slots=True, eq=False)
class Letter:
    """A fact on its way, who may speak of the execution, and who waits for the outcome."""

    fact: Fact
    tenant_id: str | None
    waiter: asyncio.Future[Execution]


@dataclass(slots=True, eq=False)
class Slot:
    """One execution in memory, with its mailbox. While it is busy, letters wait."""

    id: str
    execution: Execution | None = None
    inbox: list[Letter] = field(default_factory=list)
    busy: bool = False
    admission: Admission | None = None
    """The place that a retry was given, until the retry is committed."""
    readers: list[Callable[[], None]] = field(default_factory=list)
    """Called as soon as no decision is under way that may come to nothing."""


def read_into(found: asyncio.Future[R | None], slot: Slot, reading: Callable[[Execution], R]) -> None:
    """Give what is read, or None when the execution isn't in memory any more."""
    if found.done():
        return
    try:
        found.set_result(None if slot.execution is None else reading(slot.execution))
    except Exception as error:  # noqa: BLE001 - told to whoever asked
        found.set_exception(error)


def settle(letters: list[Letter], execution: Execution) -> None:
    """Tell whoever waits that what was asked has been done."""
    for letter in letters:
        if not letter.waiter.done():
            letter.waiter.set_result(execution)


def refuse(letters: list[Letter], error: BaseException) -> None:
    """Tell whoever waits that it has not."""
    for letter in letters:
        if not letter.waiter.done():
            letter.waiter.set_exception(error)
