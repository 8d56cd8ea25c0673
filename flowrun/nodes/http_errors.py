"""What can go wrong with an outbound HTTP request."""

from __future__ import annotations

from typing import ClassVar

from flowrun.domain.node_type import Failed


class HttpError(Exception):
    """An outbound request got no answer; the message holds no secrets."""

    type: ClassVar[str] = "http_error"
    """The `type` of the node's error object."""
    retryable: ClassVar[bool] = False

    def outcome(self) -> Failed:
        """Say it as the outcome of a node."""
        return Failed(self.type, str(self), retryable=self.retryable)


class HttpConnectionError(HttpError):
    """The connection could not be made, or broke."""

    type = "connection_error"
    retryable = True


class HttpTimeoutError(HttpError):
    """The whole exchange took longer than it may."""

    type = "http_timeout"
    retryable = True


class AddressRefusedError(HttpError):
    """The host is at an address that outbound calls may not reach."""

    type = "address_refused"

    def __init__(self, host: str, address: str, kind: str) -> None:
        place = host if host == address else f"{host} ({address})"
        super().__init__(
            f"{place} is not a public address ({kind}), and calls to such are refused; an operator can allow "
            f"it with FLOWRUN_HTTP_ALLOW={address} (addresses, networks or hosts, separated by commas)"
        )


class InvalidRequestError(HttpError):
    """The request can't be sent as it is."""

    type = "invalid_request"


class RedirectError(HttpError):
    """The redirects lead nowhere, or there are too many."""

    type = "redirect_error"


class UnreadableResponseError(HttpError):
    """The answer's encoding is unknown or broken."""

    type = "invalid_response"
