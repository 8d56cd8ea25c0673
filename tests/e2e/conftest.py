"""One real service for each module, and one stand-in for everything that its workflows call."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from e2e.client import Api
from support import plain_http
from support.service import Service
from support.stand_in import Call, StandIn


class Neighbour(StandIn):
    """Answers with what it was sent, unless another answer was set for the path, or a function of the JSON sent."""

    def __init__(self) -> None:
        super().__init__(self._echo)
        self.answers: dict[str, tuple[int, object] | Callable[[Any], tuple[int, object]]] = {}

    def _echo(self, call: Call) -> tuple[int, object, float]:
        if call.path in self.answers:
            answer = self.answers[call.path]
            return *(answer(json.loads(call.body)) if callable(answer) else answer), 0.0
        return 200, {"path": call.path, "sent": json.loads(call.body) if call.body else None}, 0.0


@pytest.fixture(scope="module")
def neighbour():
    with Neighbour() as neighbour:
        yield neighbour


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("e") / "data"
    with Service(data_dir, http_allow="127.0.0.1", log_level="warning") as service:
        yield service


@pytest.fixture(scope="module")
def api(service):
    """The operator, looking at the first tenant."""
    with service.operator() as client:
        yield Api(client)


@pytest.fixture(scope="module")
def outside(service):
    """Anyone on the network: no key, nothing but the port."""
    with plain_http.client(service.url, timeout=30) as client:
        yield client
