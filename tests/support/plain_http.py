"""Clients of a service on this machine. What a client prepares for TLS takes 60 ms, which no plain HTTP needs."""

from __future__ import annotations

from typing import Any

import httpx2


def client(url: str, **options: Any) -> httpx2.Client:
    """Asks directly, whatever proxy the environment names; `options` are those of the library's client."""
    return httpx2.Client(base_url=url, trust_env=False, verify=False, **options)


def async_client(url: str, **options: Any) -> httpx2.AsyncClient:
    """The same for an event loop."""
    return httpx2.AsyncClient(base_url=url, trust_env=False, verify=False, **options)
