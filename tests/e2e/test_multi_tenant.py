"""A hundred executions of three tenants at once, on the same routes of the same names: nothing gets mixed up."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest
from support import plain_http

TENANTS = ("acme", "bravo", "coda")
EXECUTIONS = 100
WORKFLOW = """
id: relay
nodes:
  - {id: in, type: webhook, params: {path: relay, auth: none, response_mode: last_node}}
  - {id: there, type: http, params: {method: POST, url: "{{ vars.api }}/{{ vars.tenant }}/there", body: {mark: "{{ input.mark }}"}}}
  - {id: rest, type: delay, params: {for: 20ms}}
  - {id: back, type: http, params: {method: POST, url: "{{ vars.api }}/{{ vars.tenant }}/back", body: {mark: "{{ nodes.there.output.body.sent.mark }}"}}}
  - {id: out, type: transform, params: {value: {mark: "{{ input.body.sent.mark }}", said: "{{ trigger.body.mark }}", tenant: "{{ vars.tenant }}"}}}
edges: [in -> there, there -> rest, rest -> back, back -> out]
"""  # noqa: E501 - one node a line reads better
MARK = re.compile(r"(?:acme|bravo|coda)-\d+")


def mark(number: int) -> tuple[str, str]:
    tenant = TENANTS[number % len(TENANTS)]
    return tenant, f"{tenant}-{number}"


@pytest.fixture(scope="module")
def answers(api, service, neighbour) -> dict[str, Any]:
    """What every caller was answered, by the mark that it sent."""
    for tenant in TENANTS:
        api.client.post("/api/v1/tenants", json={"id": tenant, "name": tenant}).raise_for_status()
        api.of(tenant).save(WORKFLOW + f"variables: {{api: '{neighbour.url}', tenant: {tenant}}}\n")
    return asyncio.run(all_at_once(service.url))


async def all_at_once(url: str) -> dict[str, Any]:
    async with plain_http.async_client(url, timeout=30) as client:

        async def deliver(number: int) -> tuple[str, Any]:
            tenant, text = mark(number)
            answer = await client.post(f"/webhooks/{tenant}/relay", json={"mark": text})
            assert answer.status_code == 200, answer.text
            return text, answer.json()

        return dict(await asyncio.gather(*map(deliver, range(EXECUTIONS))))


def test_every_caller_gets_its_own_answer(answers):
    wanted = {text: {"mark": text, "said": text, "tenant": tenant} for tenant, text in map(mark, range(EXECUTIONS))}
    assert answers == wanted


@pytest.mark.usefixtures("answers")
def test_every_call_goes_out_once_with_its_own_tenants_words(neighbour):
    for tenant in TENANTS:
        own = sorted(text for whose, text in map(mark, range(EXECUTIONS)) if whose == tenant)
        for place in ("there", "back"):
            calls = neighbour.called(f"/{tenant}/{place}")
            assert sorted(json.loads(call.body)["mark"] for call in calls) == own
            assert len({call.key for call in calls}) == len(own)


@pytest.mark.usefixtures("answers")
def test_every_history_and_every_node_run_speaks_of_one_execution_alone(api):
    seen = []
    for tenant in TENANTS:
        for listed in api.of(tenant).ask("GET", "/executions", params={"limit": 200})["items"]:
            parts = (api.of(tenant).execution(listed["id"]), api.of(tenant).nodes(listed["id"]))
            text = json.dumps([*parts, api.of(tenant).history(listed["id"])])
            (own,) = set(MARK.findall(text))
            assert own.startswith(tenant)
            assert parts[0]["status"] == "completed"
            seen.append(own)
    assert sorted(seen) == sorted(text for _, text in map(mark, range(EXECUTIONS)))


@pytest.mark.usefixtures("answers")
def test_no_tenant_sees_an_execution_of_another(api):
    lists = {tenant: api.of(tenant).ask("GET", "/executions", params={"limit": 200})["items"] for tenant in TENANTS}
    for tenant, items in lists.items():
        assert {one["tenant_id"] for one in items} == {tenant}
        for other in TENANTS:
            if other != tenant:
                url = f"/api/v1/tenants/{other}/executions/{items[0]['id']}"
                assert api.client.get(url).status_code == 404
