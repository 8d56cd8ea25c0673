"""Who may enter the dashboard in a browser: who has the token, at an address that is served, from its own page."""

from __future__ import annotations

import secrets
import socket
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - recognised, not listened on


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it."""
    return host == "localhost" or _address_is(host, "is_loopback")


def at(host: str, port: int) -> str:
    """The address of a web server as a browser writes it."""
    if host in _EVERYWHERE:
        host = "::1" if ":" in host else "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Guard:
    """Lets in whoever shows the token once, and from then on their browser, which holds a cookie.

    The cookie is not the token: browsers send cookies to every port of a host, and a token may be in use for long.
    """

    def __init__(self, host: str, port: int, token: str) -> None:
        self.link = f"{at(host, port)}/?token={quote(token)}"
        self._host = host.lower()
        self._token = token
        self._cookie = f"flowrun-dashboard-{port}"
        self._session = secrets.token_urlsafe()

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer a request only for those who may enter."""
        host = request.headers.get(hdrs.HOST, "")
        if not self.is_served(host):
            return _refusal(403, "The dashboard is not served at this address.")
        # A page elsewhere can open a websocket to here, and only the browser knows where the page came from.
        foreign = request.headers.get(hdrs.ORIGIN) != f"http://{host}"
        if foreign and (hdrs.ORIGIN in request.headers or hdrs.UPGRADE in request.headers):
            return _refusal(403, "The dashboard answers to its own page only.")
        if request.path == "/" and _same(request.query.get("token"), self._token):
            return self._welcome(request)
        if not _same(request.cookies.get(self._cookie), self._session):
            return _refusal(401, "Open the dashboard with the link that `flowrun dashboard --web` has printed.")
        return await handler(request)

    def _welcome(self, request: web.Request) -> web.Response:
        """The cookie, and on to an address without the token."""
        response = web.Response(status=303, headers={hdrs.LOCATION: "/"})
        if request.headers.get("Sec-Fetch-Site") == "cross-site":
            # A link in another site's page, such as a terminal in the browser: a redirect from there has no cookie.
            response = web.Response(text="The dashboard opens…", headers={"Refresh": "0; url=/"})
        response.set_cookie(self._cookie, self._session, httponly=True, samesite="Strict")
        return response

    def is_served(self, host: str) -> bool:
        """Whether a Host header is one of ours, on any port, as there may be a tunnel.

        A name that someone else has made point to here (DNS rebinding) is not.
        """
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        everywhere = self._host in _EVERYWHERE
        if name == self._host or (everywhere and (_address_is(name) or name == socket.gethostname().lower())):
            return True
        return is_loopback(name) and (everywhere or is_loopback(self._host))


def _address_is(host: str, kind: str = "version") -> bool:
    """Whether it is an IP address, and of that kind."""
    try:
        return bool(getattr(ip_address(host), kind))
    except ValueError:
        return False


def _same(given: str | None, right: str) -> bool:
    # A header may hold bytes that are no text, which Python reads as surrogates.
    return given is not None and secrets.compare_digest(given.encode(errors="surrogatepass"), right.encode())


def _refusal(status: int, why: str) -> web.Response:
    return web.Response(status=status, text=f"{why}\n")
