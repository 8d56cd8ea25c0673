"""Reads an answer that comes in pages: by links, by cursors or by numbers."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import Any
from urllib.parse import unquote_plus, urlencode, urlsplit, urlunsplit

from flowrun.domain.json import JsonValue
from flowrun.domain.node_type import Completed, Failed, Outcome
from flowrun.nodes.http_call import build_request, judge, query_key
from flowrun.nodes.http_client import MAX_RESPONSE, HttpClient, HttpRequest, moved, origin_of
from flowrun.nodes.http_errors import HttpTimeoutError, UnreadableResponseError
from flowrun.nodes.job import NodeJob
from flowrun.nodes.reductions import value_at

MAX_ALL_PAGES = 8 * MAX_RESPONSE
"""Bytes of all pages together; their items have to fit into one output."""
_LINK = re.compile(r"<([^<>]*)>([^<]*)")
_RELATION = re.compile(r";\s*rel\s*=\s*\"?([^\";,]*)", re.IGNORECASE)


async def read_pages(job: NodeJob, http: HttpClient) -> Outcome:
    """Send request after request until there is no next page. Raises `HttpError`."""
    params: Any = job.params
    pages, now = params["pagination"], asyncio.get_running_loop().time
    deadline = now() + params["timeout"]
    following: HttpRequest | None = _first(pages, build_request(job))
    items: list[JsonValue] = []
    output: dict[str, Any] = {}
    seen: set[str] = set()
    size = number = 0
    while following is not None and following.url not in seen and number < pages["max_pages"]:
        request, number = following, number + 1
        seen.add(request.url)
        if now() >= deadline:
            raise HttpTimeoutError(f"not all pages within {params['timeout']:g} s: {number - 1} were read")
        response = await http.send(replace(_keyed(request, job, number), timeout=deadline - now()))
        outcome = judge(job.params, response)
        if not isinstance(outcome, Completed):
            return _on_page(outcome, number)
        size += len(response.body)
        if size > MAX_ALL_PAGES:
            return Failed("response_too_large", f"the first {number} pages are longer than {MAX_ALL_PAGES:,} bytes")
        output = _object(outcome)
        found = _items(output["body"], pages["items"], number)
        items += found
        job.log(f"Page {number}: {len(found)} items, {len(items)} in all")
        following = _next(pages, query_key(params["auth"]), request, output, number, len(found))
    more = following is not None and following.url not in seen
    return Completed({**output, "body": items, "pages": number, "more": more})


def _object(outcome: Completed) -> dict[str, Any]:
    output: Any = outcome.output
    return dict(output)


def _on_page(outcome: Outcome, number: int) -> Outcome:
    if isinstance(outcome, Failed) and number > 1:
        return replace(outcome, message=f"page {number}: {outcome.message}")
    return outcome


def _first(pages: dict[str, Any], request: HttpRequest) -> HttpRequest:
    if pages["type"] != "page":
        return request
    return replace(request, url=_with_param(request.url, pages["param"], str(pages["start"])))


def _keyed(request: HttpRequest, job: NodeJob, number: int) -> HttpRequest:
    """Give each page a key of its own: it is another request, which mustn't be answered as the first one was."""
    if number == 1 or request.headers.get("idempotency-key") != job.idempotency_key:
        return request
    return replace(request, headers={**request.headers, "idempotency-key": f"{job.idempotency_key}:page-{number}"})


def _next(
    pages: dict[str, Any], key: dict[str, str], request: HttpRequest, output: dict[str, Any], number: int, count: int
) -> HttpRequest | None:
    if pages["type"] == "page":
        if count == 0 or count < (pages["page_size"] or 0):
            return None
        return replace(request, url=_with_param(request.url, pages["param"], str(pages["start"] + number)))
    if pages["type"] == "cursor":
        cursor = value_at(output["body"], pages["cursor"].split("."))
        if cursor is None or cursor is False or cursor == "":
            return None
        if isinstance(cursor, dict | list):
            raise UnreadableResponseError(f"page {number} has no text or number as the cursor `{pages['cursor']}`")
        return replace(request, url=_with_param(request.url, pages["param"], str(cursor)))
    link = _linked(pages["next"], output, number)
    if link is None:
        return None
    return _with_key(moved(request, link), request, key)


def _with_key(following: HttpRequest, request: HttpRequest, key: dict[str, str]) -> HttpRequest:
    """Add the key in the query that a link of the same origin left out."""
    if origin_of(following.url) == origin_of(request.url):
        for name, value in key.items():
            following = replace(following, url=_with_param(following.url, name, value))
    return following


def _linked(path: str | None, output: dict[str, Any], number: int) -> str | None:
    if path is None:
        return next_link(output["headers"].get("link", ""))
    found = value_at(output["body"], path.split("."))
    if found is not None and not isinstance(found, str):
        raise UnreadableResponseError(f"page {number} has no text as the next page's URL `{path}`")
    return found or None


def next_link(header: str) -> str | None:
    """Return the URL of a `Link` header's entry with the relation `next`."""
    for url, attributes in _LINK.findall(header):
        relation = _RELATION.search(attributes)
        if relation is not None and "next" in relation[1].lower().split():
            return str(url)
    return None


def _items(body: JsonValue, path: str | None, number: int) -> list[JsonValue]:
    found = value_at(body, path.split(".")) if path else body
    if not isinstance(found, list):
        place = f"at `{path}`" if path else "as its body; name its place with `pagination.items`"
        raise UnreadableResponseError(f"page {number} has no list {place}")
    return found


def _with_param(url: str, name: str, value: str) -> str:
    """Set one name of the query; what else is there stays as it is written."""
    parts = urlsplit(url)
    others = [pair for pair in parts.query.split("&") if pair and unquote_plus(pair.partition("=")[0]) != name]
    return urlunsplit(parts._replace(query="&".join([*others, urlencode([(name, value)])])))
