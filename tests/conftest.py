"""What every test shares: the event loop's backend, how hard hypothesis tries, and what several workers begin with."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

_SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)
settings.register_profile("default", deadline=None, max_examples=60, suppress_health_check=_SLOW)
settings.register_profile("ci", deadline=None, max_examples=150, suppress_health_check=_SLOW, print_blob=True)
settings.register_profile("long", deadline=None, max_examples=3000, suppress_health_check=_SLOW, print_blob=True)
settings.register_profile("quick", deadline=None, max_examples=60, phases=[Phase.generate], suppress_health_check=_SLOW)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

LONGEST_FIRST = ("faults", "simulation", "e2e", "tui", "contract", "integration", "unit")
"""Directories in the order in which several workers take them: no long module is begun when the others have ended."""


def pytest_configure(config: pytest.Config) -> None:
    config.option.loadscopereorder = False  # By their number of tests, xdist would begin with the shortest modules.


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        places = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST_FIRST)}
        items.sort(key=lambda item: min((places[at] for at in item.path.parents if at in places), default=len(places)))


@pytest.fixture(scope="session")
def anyio_backend():
    return "asyncio"
