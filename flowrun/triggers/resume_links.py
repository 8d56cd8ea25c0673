"""The addresses at which waiting nodes are answered: each names one node run, and is signed."""

from __future__ import annotations

import base64
import binascii
import hmac
from hashlib import sha256
from uuid import UUID

from flowrun.domain.execution import RunKey

_MAC_BYTES = 16
_ID_BYTES = 16
_DIVIDER = "\n"
_LONGEST = 1_000
"""Characters of a token: what is longer is none of ours."""


class ResumeLinks:
    """Makes and reads the addresses. Nothing is stored: the same node run always has the same one."""

    def __init__(self, key: bytes, base_url: str) -> None:
        """`base_url` is how the world reaches this service, e.g. `https://flows.example.com`."""
        self._key = key
        self.base_url = base_url

    def url(self, execution_id: str, node_id: str, iteration: str) -> str:
        """See `flowrun.domain.execution.Links.url`."""
        return f"{self.base_url}/resume/{self.token(execution_id, node_id, iteration)}"

    def token(self, execution_id: str, node_id: str, iteration: str) -> str:
        """What stands at the end of the address."""
        content = UUID(execution_id).bytes + f"{node_id}{_DIVIDER}{iteration}".encode()
        return base64.urlsafe_b64encode(self._mac(content) + content).rstrip(b"=").decode()

    def read(self, token: str) -> tuple[str, RunKey] | None:
        """See `flowrun.ports.Links.read`."""
        if len(token) > _LONGEST or not token.isascii():
            return None
        try:
            whole = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        mac, content = whole[:_MAC_BYTES], whole[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(content)):
            return None
        node_id, _, iteration = content[_ID_BYTES:].decode().partition(_DIVIDER)
        return str(UUID(bytes=content[:_ID_BYTES])), (node_id, iteration)

    def _mac(self, content: bytes) -> bytes:
        return hmac.digest(self._key, content, sha256)[:_MAC_BYTES]
