"""Test listeners: shown the next request to their path, and only that."""

from __future__ import annotations

import pytest

from flowrun.errors import ConflictError
from flowrun.triggers.listeners import MOST_PER_TENANT, Listeners


async def test_the_next_request_that_fits_is_shown_once():
    listeners = Listeners()
    with listeners.listening("t", "orders/{id}", frozenset({"POST"})) as shown:
        for tenant, method, path in (("u", "POST", "orders/1"), ("t", "GET", "orders/1"), ("t", "POST", "orders")):
            assert not listeners.waits(tenant, method, path)
        assert listeners.waits("t", "POST", "orders/a%2Fb")
        listeners.show("t", "POST", "orders/1", {"n": 1})
        listeners.show("t", "POST", "orders/1", {"n": 2})
        assert await shown == {"n": 1}
        assert not listeners.waits("t", "POST", "orders/1")
    assert not listeners.waits("t", "POST", "orders/1")


async def test_everyone_who_waits_sees_it():
    listeners = Listeners()
    with listeners.listening("t", "a", frozenset()) as one, listeners.listening("t", "{x}", frozenset()) as other:
        listeners.show("t", "PUT", "a", {"n": 1})
        assert await one == await other == {"n": 1}


async def test_there_is_a_limit_per_tenant():
    listeners = Listeners()
    entered = [listeners.listening("t", "a", frozenset()) for _ in range(MOST_PER_TENANT)]
    for one in entered:
        one.__enter__()
    with pytest.raises(ConflictError), listeners.listening("t", "a", frozenset()):
        pass
    with listeners.listening("u", "a", frozenset()):
        pass
    for one in entered:
        one.__exit__(None, None, None)
    assert not listeners.waits("t", "POST", "a")
