"""Whether the service says truly that it can keep what it is given."""

from __future__ import annotations

import resource
import time
from pathlib import Path

import httpx2
from support.service import Service

ROOM = 4096
"""Bytes that no file may grow beyond: what is written to the database's log fails, as on a full disk."""


def answers(service: Service, status: int) -> bool:
    """Whether it answers with this status within a few seconds."""
    until = time.monotonic() + 20
    with httpx2.Client(base_url=service.url) as client:
        while client.get("/readyz").status_code != status:
            if time.monotonic() > until:
                return False
            time.sleep(0.05)
    return True


def test_a_disk_that_is_full_is_told_and_that_it_no_longer_is(tmp_path: Path) -> None:
    service = Service(tmp_path / "data")
    service.start()
    try:
        assert service.process is not None
        before = resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (ROOM, resource.RLIM_INFINITY))
        assert answers(service, 503)
        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, before)
        assert answers(service, 200)
    finally:
        service.stop()
    log = service.log.read_text()
    assert "The database cannot commit" in log
    assert "The database commits again" in log
