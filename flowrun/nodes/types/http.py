"""The node that calls an HTTP address."""

from __future__ import annotations

from types import MappingProxyType

from flowrun.domain.node_type import Outcome
from flowrun.nodes.base import WorkerNodeType
from flowrun.nodes.http_call import build_request, judge
from flowrun.nodes.http_errors import HttpError
from flowrun.nodes.http_pages import read_pages
from flowrun.nodes.http_params import HttpParams
from flowrun.nodes.job import NodeJob, Services


class Http(WorkerNodeType):
    """Calls an HTTP address; its output is `{status, headers, body}`.

    The names of the headers are in lower case. The body is read as JSON when the answer says that it is, as text
    for text, and is `{"base64": …}` otherwise; an empty one is null. At most 1 MiB is read.
    A whole number that doesn't fit in 64 bits becomes a text.

    An unexpected status fails the attempt as `http_status`; 408, 425, 429 and 5xx are retried, after
    `Retry-After` when the answer has it, and so are `connection_error` and `http_timeout`. Every attempt sends the
    same `Idempotency-Key`. Private addresses are refused as `address_refused` unless `FLOWRUN_HTTP_ALLOW` has them.

    With `pagination` the output is `{status, headers, body, pages, more}`: `body` has the items of all pages, `more`
    tells that `max_pages` ended it. `items` is where a page has its list, `data.rows` for one, or else the page is the
    list. `link` follows the `Link` header, or the URL at `next` in the body; `cursor` sends what is at `cursor` as the
    query's `param`; `page` counts, until a page has no items, or fewer than `page_size`. `timeout` is for all pages.
    """

    name = "http"
    worker = "webhook"
    Params = HttpParams
    example = MappingProxyType(
        {
            "method": "POST",
            "url": "https://api.example.com/orders",
            "query": {"notify": True},
            "body": {"id": "{{ input.id }}", "lines": "{{ input.lines }}"},
            "auth": {"type": "bearer", "token": "{{ secrets.API_TOKEN }}"},
            "timeout": "10s",
            "expect_status": [200, 201],
        }
    )

    async def run(self, job: NodeJob, services: Services) -> Outcome:
        """Send the request, and make the outcome of what comes back."""
        try:
            if job.params["pagination"] is not None:
                return await read_pages(job, services.http)
            response = await services.http.send(build_request(job))
            return judge(job.params, response)
        except HttpError as error:
            return error.outcome()
