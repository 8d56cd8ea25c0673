"""Keeps in the rows of channels where the messages of each come in, so that its owner can look it up."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select, update

from flowrun.persistence import tables as t
from flowrun.persistence.json_text import load


def refresh_addresses(connection: Connection, tenant_id: str, names: Iterable[str]) -> None:
    """Let each of these channels have the path of the first published webhook that names it, or none."""
    webhooks, channels = t.webhooks, t.channels
    for name in sorted(set(names)):
        query = select(webhooks.c.config).where(
            webhooks.c.tenant_id == tenant_id, webhooks.c.channel == name, webhooks.c.status == "active"
        )
        config = load(connection.scalar(query.order_by(webhooks.c.id).limit(1)))
        address = None if config is None else f"/webhooks/{tenant_id}/{config['path']}"
        mine = (channels.c.tenant_id == tenant_id, channels.c.name == name)
        connection.execute(update(channels).where(*mine).values(webhook_url=address))
