"""What every test shares: the event loop's backend and how hard hypothesis tries."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, settings

_SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)
settings.register_profile("default", deadline=None, max_examples=60, suppress_health_check=_SLOW)
settings.register_profile("ci", deadline=None, max_examples=150, suppress_health_check=_SLOW, print_blob=True)
settings.register_profile("long", deadline=None, max_examples=3000, suppress_health_check=_SLOW, print_blob=True)
settings.register_profile("quick", deadline=None, max_examples=60, phases=[Phase.generate], suppress_health_check=_SLOW)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(scope="session")
def anyio_backend():
    return "asyncio"
