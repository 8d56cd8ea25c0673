"""Saving workflows: versions, status, and where they listen."""

from __future__ import annotations

import pytest

from flowrun.bootstrap import running
from flowrun.bus import OPERATOR
from flowrun.commands.create_tenant import CreateTenant
from flowrun.commands.delete_workflow import DeleteWorkflow
from flowrun.commands.save_workflow import SaveWorkflow
from flowrun.commands.set_secret import SetSecret
from flowrun.commands.set_workflow_status import SetWorkflowStatus
from flowrun.commands.start_execution import StartExecution
from flowrun.config import Settings
from flowrun.domain.definition import WorkflowStatus
from flowrun.errors import ConflictError, InvalidInputError, NotFoundError
from flowrun.persistence import tables as t

MANUAL, NOOP = {"id": "m", "type": "manual"}, {"id": "n", "type": "noop"}
DELAY = {"id": "d", "type": "delay", "params": {"for": "1h"}}


def hook(path="in", mode="immediate", **more):
    return {"id": "hook", "type": "webhook", "params": {"path": path, "auth": "none", "response_mode": mode, **more}}


async def set_status(service, workflow_id, status):
    return await service.send(SetWorkflowStatus(tenant_id="acme", workflow_id=workflow_id, status=status))


async def test_only_a_change_makes_a_version(service):
    first = await service.save("w", [MANUAL, NOOP], [("m", "n")])
    same = await service.save("w", [MANUAL, NOOP], [("m", "n")])
    other = await service.save("w", [MANUAL, NOOP, {**NOOP, "id": "o"}], [("m", "n"), ("n", "o")])
    assert [(one["version"], one["changed"]) for one in (first, same, other)] == [(1, True), (1, False), (2, True)]
    assert len(await service.rows(t.workflow_versions)) == 2


async def test_a_dry_run_says_what_would_happen_and_saves_nothing(service):
    assert (await service.save("w", [MANUAL], dry_run=True))["version"] == 1
    assert await service.rows(t.workflows) == []
    assert await service.rows(t.webhooks) == []


async def test_saving_hints_at_secrets_and_workflows_that_are_missing(service):
    call = {"id": "c", "type": "workflow", "params": {"workflow_id": "sub"}}
    itself = {"id": "i", "type": "workflow", "params": {"workflow_id": "w"}}
    fetch = {"id": "h", "type": "http", "params": {"url": "https://x/{{ secrets.KEY }}"}}
    off = {"id": "o", "type": "http", "disabled": True, "params": {"url": "https://x/{{ secrets.OTHER }}"}}
    signed = {"id": "hook", "type": "webhook", "params": {"path": "p", "auth": {"type": "bearer", "secrets": ["KEY"]}}}
    nodes, edges = [signed, call, itself, fetch, off], [("hook", "c"), ("c", "i"), ("i", "h"), ("h", "o")]
    lacks = {
        "on_error": "there is no workflow 'alarm' yet",
        "nodes[0].params.auth.secrets[0]": "there is no secret 'KEY' yet: set it with `flowrun secrets set KEY`",
        "nodes[1].params.workflow_id": "there is no workflow 'sub' yet",
    }
    for dry_run in (True, False):
        saved = await service.save("w", nodes, edges, on_error="alarm", dry_run=dry_run)
        assert {hint["path"]: hint["message"] for hint in saved["hints"]} == lacks
    await service.send(SetSecret(tenant_id="acme", name="KEY", value="long enough"))
    await service.save("alarm", [{"id": "e", "type": "error"}])
    await service.save("sub", [MANUAL], status="draft")
    again = await service.save("w", nodes, edges, on_error="alarm")
    hint = {"path": "nodes[1].params.workflow_id", "kind": "workflow", "name": "sub"}
    assert again["hints"] == [{**hint, "message": "the workflow 'sub' is draft"}]
    await set_status(service, "sub", WorkflowStatus.PUBLISHED)
    assert (await service.save("w", nodes, edges, on_error="alarm"))["hints"] == []


async def test_a_document_without_a_status_leaves_it_as_it_is(service):
    assert (await service.save("w", [MANUAL]))["status"] == "published"
    await set_status(service, "w", WorkflowStatus.ARCHIVED)
    saved = await service.save("w", [MANUAL])
    assert (saved["status"], saved["changed"]) == ("archived", False)
    saved = await service.save("w", [MANUAL], status="draft")
    assert (saved["status"], saved["version"], saved["changed"]) == ("draft", 1, True)


async def test_every_issue_is_told_and_nothing_is_saved(service):
    with pytest.raises(InvalidInputError) as caught:
        await service.save("w", [{"id": "a", "type": "nope"}, {"id": "a", "type": "noop"}], [("a", "b")], id="other")
    assert len(caught.value.issues) >= 3
    assert "id" in {issue.path for issue in caught.value.issues}
    assert await service.rows(t.workflows) == []


async def test_an_unknown_tenant(service):
    with pytest.raises(NotFoundError):
        await service.send(SaveWorkflow(tenant_id="x", workflow_id="w", document={"nodes": [MANUAL], "edges": []}))


async def test_webhooks_keep_their_ids_as_long_as_their_nodes_live(service):
    await service.save("w", [hook()])
    (before,) = await service.rows(t.webhooks)
    await service.save("w", [hook("other")])
    (after,) = await service.rows(t.webhooks)
    assert (before["id"], after["status"]) == (after["id"], "active")
    assert (await service.deliver("other")).all[0].match.webhook_id == after["id"]
    await service.save("w", [MANUAL])
    assert await service.rows(t.webhooks) == []
    with pytest.raises(NotFoundError):
        await service.deliver("other")


async def test_a_disabled_webhook_does_not_listen(service):
    await service.save("w", [MANUAL, {**hook(), "disabled": True}])
    with pytest.raises(NotFoundError):
        await service.deliver()


async def test_two_synchronous_webhooks_cannot_share_a_route(service):
    await service.save("a", [hook("orders/{id}", "last_node"), NOOP], [("hook", "n")])
    await service.save("b", [hook("orders/{id}")])
    await service.save("c", [hook("orders/{id}", "last_node", methods=["PUT"]), NOOP], [("hook", "n")])
    await service.save("d", [hook("orders/new", "last_node"), NOOP], [("hook", "n")])
    with pytest.raises(InvalidInputError) as caught:
        await service.save("e", [hook("orders/{order}", "last_node"), NOOP], [("hook", "n")])
    (issue,) = caught.value.issues
    assert issue.path == "nodes[0].params.path"
    assert "'a'" in issue.message
    await service.save("e", [hook("orders/{order}", "last_node"), NOOP], [("hook", "n")], status="draft")
    with pytest.raises(InvalidInputError):
        await set_status(service, "e", WorkflowStatus.PUBLISHED)


async def test_a_workflow_that_runs_is_not_deleted(service):
    await service.save("w", [MANUAL, DELAY], [("m", "d")])
    started = await service.send(StartExecution(tenant_id="acme", workflow_id="w"))
    with pytest.raises(ConflictError, match="1 executions"):
        await service.send(DeleteWorkflow(tenant_id="acme", workflow_id="w"))
    assert (await service.context.graphs.get("acme", "w")).version == started["version"]


async def test_the_versions_of_a_deleted_workflow_stay(service):
    await service.save("w", [hook(), NOOP], [("hook", "n")])
    await service.send(DeleteWorkflow(tenant_id="acme", workflow_id="w"))
    with pytest.raises(NotFoundError):
        await service.deliver()
    with pytest.raises(NotFoundError):
        await service.send(DeleteWorkflow(tenant_id="acme", workflow_id="w"))
    assert (await service.context.graphs.get("acme", "w", 1)).version == 1
    assert (await service.save("w", [MANUAL]))["version"] == 2


async def test_webhooks_listen_again_after_a_restart(tmp_path):
    settings = Settings(data_dir=tmp_path)
    async with running(settings) as runtime:
        await runtime.mediator.send(CreateTenant(id="acme"), OPERATOR)
        for name, status in (("w", "published"), ("x", "draft")):
            document = {"nodes": [hook()], "edges": [], "status": status}
            await runtime.mediator.send(SaveWorkflow(tenant_id="acme", workflow_id=name, document=document), OPERATOR)
    async with running(settings) as runtime:
        assert [match.workflow_id for match in runtime.context.routes.match("acme", "POST", "in")] == ["w"]
