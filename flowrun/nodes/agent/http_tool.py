"""The tool that is an HTTP call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from flowrun import __version__
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.nodes.agent.errors import AgentError
from flowrun.nodes.agent.tool_params import PLACEHOLDER
from flowrun.nodes.http_body import excerpt, parse_body
from flowrun.nodes.http_client import HttpRequest, HttpResponse
from flowrun.nodes.http_errors import AddressRefusedError, HttpError
from flowrun.nodes.job import NodeJob, Services

_IN_QUERY = frozenset({"GET", "DELETE"})
_EXCERPT = 2000


class HttpTool:
    """Calls an address through the guarded client; what the model chose is encoded wherever it is put."""

    def __init__(self, params: Mapping[str, Any], _job: NodeJob, services: Services) -> None:
        self.params = params
        self._http = services.http

    async def call(self, arguments: JsonObject, idempotency_key: str) -> JsonValue:
        """See `flowrun.nodes.agent.tools.Tool.call`; gives `{status, body}` or `{error}`."""
        for name in PLACEHOLDER.findall(self.params["url"]):
            value = arguments.get(name)
            # Dots are never encoded, and a segment of nothing but dots would climb.
            if value is None or not _text(value).strip("."):
                return {"error": f"the argument {name} must be given"}
        try:
            return _told(await self._http.send(self._request(arguments, idempotency_key)))
        except AddressRefusedError as error:
            # A wrong URL, or an attack by way of a redirect: nothing that the model should be told or could mend.
            message = f"The tool {self.params['name']} was refused its address: {error}"
            raise AgentError("address_refused", message) from None
        except HttpError as error:
            return {"error": f"{error.type}: {error}"}

    def _request(self, arguments: JsonObject, idempotency_key: str) -> HttpRequest:
        method, url = self.params["method"], self.params["url"]
        in_url = set(PLACEHOLDER.findall(url))
        url = PLACEHOLDER.sub(lambda found: quote(_text(arguments[found[1]]), safe=""), url)
        others = {name: value for name, value in arguments.items() if name not in in_url and value is not None}
        headers = {"user-agent": f"flowrun/{__version__}", "idempotency-key": idempotency_key}
        headers |= {name.lower(): value for name, value in self.params["headers"].items()}
        content = b""
        if method in _IN_QUERY:
            if others:
                query = urlencode([(name, _text(value)) for name, value in others.items()])
                url = f"{url}{'&' if '?' in url else '?'}{query}"
        else:
            headers.setdefault("content-type", "application/json")
            content = orjson.dumps(others)
        secret = frozenset(name.lower() for name in self.params["headers"])
        return HttpRequest(method, url, headers, content, timeout=self.params["timeout"], secret_headers=secret)


def _told(response: HttpResponse) -> JsonValue:
    content_type = response.headers.get("content-type", "")
    if response.truncated or response.status >= 400:
        return {"status": response.status, "body": excerpt(response.body, content_type, _EXCERPT)}
    return {"status": response.status, "body": parse_body(response.body, content_type)}


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
