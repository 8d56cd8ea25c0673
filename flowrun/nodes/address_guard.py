"""Which addresses an outbound call may reach."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

from ssrfguard import DEFAULT_DENIED, AddressTable, Block, Reach

from flowrun.errors import ConfigurationError

IPAddress: TypeAlias = IPv4Address | IPv6Address

_HOST = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")
_AZURE = Block(
    ip_network("168.63.129.16/32"), "the metadata service of Azure", "a public address in name only", Reach.DENIED
)
_DENIED = AddressTable((*DEFAULT_DENIED.blocks, _AZURE))


class AddressGuard:
    """Refuses private, loopback, link-local, metadata and other special addresses, but for those allowed.

    `allow` holds addresses (`10.1.2.3`), networks (`10.0.0.0/8`) and hosts (`intranet`, `*.example.com`); what a
    host of the list resolves to is allowed, whatever it is. Raises `ConfigurationError` for anything else.
    """

    def __init__(self, allow: Sequence[str] = ()) -> None:
        self._networks: list[IPv4Network | IPv6Network] = []
        self._hosts: set[str] = set()
        self._suffixes: tuple[str, ...] = ()
        for entry in allow:
            self._add(entry.strip().lower())

    def allows_host(self, host: str) -> bool:
        """Tell whether the host is on the list by name."""
        name = host.lower().rstrip(".")
        return name in self._hosts or name.endswith(self._suffixes or ("\0",))

    def refusal(self, address: str) -> str | None:
        """Say what kind of address it is that may not be reached; None when it may."""
        parsed = ip_address(address)
        if isinstance(parsed, IPv6Address):
            parsed = parsed.ipv4_mapped or parsed
        if any(parsed in network for network in self._networks):
            return None
        verdict = _DENIED.classify(parsed)
        if not verdict.blocked:
            return None
        return verdict.block.name if verdict.block is not None else "a special address"

    def _add(self, entry: str) -> None:
        bare = entry.strip("[]")
        try:
            self._networks.append(ip_network(bare, strict=False))
        except ValueError:
            if not _HOST.fullmatch(entry) or entry.replace(".", "").isdigit():
                raise ConfigurationError(f"FLOWRUN_HTTP_ALLOW: {entry!r} is no address, network or host") from None
            if entry.startswith("*."):
                self._suffixes += (entry[1:],)
            else:
                self._hosts.add(entry)
