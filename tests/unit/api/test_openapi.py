"""The description of the API is the route table."""

from __future__ import annotations

import re

from flowrun.api.openapi import docs_page, openapi
from flowrun.api.routes import OPERATIONS


def test_every_operation_is_described_and_nothing_else():
    described = {(method.upper(), path) for path, methods in openapi(OPERATIONS)["paths"].items() for method in methods}
    assert {(one.method, one.path.replace(":path}", "}")) for one in OPERATIONS} == {
        pair for pair in described if not pair[1].startswith("/webhooks/")
    }


def test_operation_ids_are_unique():
    paths = openapi(OPERATIONS)["paths"].values()
    ids = [operation["operationId"] for methods in paths for operation in methods.values()]
    assert len(ids) == len(set(ids))


def test_path_parameters_are_declared():
    for path, methods in openapi(OPERATIONS)["paths"].items():
        for operation in methods.values():
            declared = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
            assert declared == set(re.findall(r"\{(\w+)\}", path))


def test_the_page_needs_nothing_from_elsewhere():
    page = docs_page(OPERATIONS)
    assert not re.search(r"(src|href)=\"(https?:)?//", page)
    assert all(one.summary in page or one.summary.replace("'", "&#x27;") in page for one in OPERATIONS)


async def test_both_are_served_without_a_key(api):
    async with api.client() as client:
        assert (await client.get("/openapi.json")).json()["openapi"].startswith("3.1")
        assert (await client.get("/docs")).headers["content-type"].startswith("text/html")
