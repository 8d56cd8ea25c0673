"""Fixtures of the channel tests."""

from __future__ import annotations

import pytest
from support.channel_bench import LOOPBACK, SUBJECTS, channel, send

from flowrun.nodes.http_client import HttpClient


@pytest.fixture
async def http():
    client = HttpClient(LOOPBACK)
    yield client
    await client.aclose()


@pytest.fixture
def through(http):
    """Send through one type: `await through("slack", message=…, plan=["rate"])`; gives the outcome and the provider."""

    async def sender(name, message=None, to=None, plan=(), attempt=1, **credentials):
        subject = SUBJECTS[name]
        with channel(subject) as (provider, rows):
            if credentials:
                given = {**subject.credentials(provider), **credentials}
                rows.add(name, {key: value for key, value in given.items() if value is not None})
            if plan:
                provider.plan(*plan)
            told = subject.message if message is None else message
            return await send(rows, http, name, to or subject.to, told, attempt), provider

    return sender
