"""One real service for each module, and workflows that go exactly as far as a test lets them."""

from __future__ import annotations

import pytest
from e2e.client import Api
from support.paced import BROKEN, QUICK, STEPS
from support.service import Service


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with Service(tmp_path_factory.mktemp("t") / "data", log_level="warning") as service:
        yield service


@pytest.fixture(scope="module")
def api(service):
    """The operator, looking at the first tenant, which has three workflows."""
    with service.operator() as client:
        api = Api(client)
        for workflow in (STEPS, BROKEN, QUICK):
            api.save(workflow)
        yield api
