"""A channel as a document: everything but its credentials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowrun.channels import CHANNEL_TYPES
from flowrun.domain.json import JsonObject
from flowrun.queries.documents import time


def channel_document(row: Mapping[Any, Any]) -> JsonObject:
    """A channel as the API shows it."""
    kind = CHANNEL_TYPES.get(row["type"])
    return {
        "id": row["id"],
        "name": row["name"],
        "type": row["type"],
        "provider": None if kind is None else kind.provider,
        "status": row["status"],
        "status_reason": row["status_reason"],
        "webhook_url": row["webhook_url"],
        "created_at": time(row["created_at"]),
        "updated_at": time(row["updated_at"]),
        "key_id": row["key_id"],
    }
