"""Refuses to start anything for a disabled tenant."""

from __future__ import annotations

from flowrun.errors import ConflictError
from flowrun.ports import Context


def require_open(context: Context, tenant_id: str) -> None:
    """Raise `ConflictError` when the tenant is disabled."""
    if context.tenants.disabled(tenant_id):
        raise ConflictError(f"The tenant {tenant_id} is disabled: nothing new is started for it")
