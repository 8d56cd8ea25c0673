"""A node type that is gone at a start, as a plugin can be: its executions stand still, and carry on when it is back."""

from __future__ import annotations

import logging

import pytest
from support.gated import TYPES_WITH_GATED, Gated, ended, gated_runtime, save, start
from support.invariants import check_database

from flowrun.bootstrap import running
from flowrun.bus import OPERATOR
from flowrun.commands.save_workflow import SaveWorkflow
from flowrun.config import Settings
from flowrun.queries.get_execution import GetExecution

pytestmark = pytest.mark.anyio

ECHO = {"id": "echo", "name": "echo", "nodes": [{"id": "t", "type": "manual"}]}


async def test_its_executions_stand_still_and_carry_on_when_it_is_back(tmp_path, caplog):
    caplog.set_level(logging.ERROR)
    gated = Gated()
    async with gated_runtime(tmp_path, gated, "acme", shutdown_grace=0.0, worker_webhook=1) as runtime:
        await save(runtime, "acme")
        await runtime.mediator.send(SaveWorkflow(tenant_id="acme", document=ECHO), OPERATOR)
        ids = [await start(runtime, "acme") for _ in range(3)]
        await gated.until_begun(1)
    async with running(Settings(data_dir=tmp_path)) as runtime:
        assert await ended(runtime, await start(runtime, "acme", "echo")) == "completed"
        for execution in ids:
            shown = await runtime.mediator.send(GetExecution(tenant_id="acme", execution_id=execution), OPERATOR)
            assert shown["status"] == "running"
    assert "Executions of the workflow w of acme stand still: Unknown node type 'gated'" in caplog.text
    assert "Traceback" not in caplog.text
    again = Gated()
    again.open.set()
    async with gated_runtime(tmp_path, again) as runtime:
        assert [await ended(runtime, execution) for execution in ids] == ["completed"] * 3
    assert check_database(tmp_path / "flowrun.db", types=TYPES_WITH_GATED) == 4
