"""The tenants that are disabled: for them nothing is started."""

from __future__ import annotations


class ClosedTenants:
    """See `flowrun.ports.Tenants`."""

    def __init__(self) -> None:
        self._closed: set[str] = set()

    def disabled(self, tenant_id: str) -> bool:
        """See `flowrun.ports.Tenants.disabled`."""
        return tenant_id in self._closed

    def change(self, tenant_id: str, *, disabled: bool) -> None:
        """See `flowrun.ports.Tenants.change`."""
        if disabled:
            self._closed.add(tenant_id)
        else:
            self._closed.discard(tenant_id)
