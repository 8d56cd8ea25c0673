"""An execution that is retried needs a place like a new one; nobody keeps one that another has got meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from support.gated import TYPES_WITH_GATED, Gated, ended, gated_runtime, save, start, status
from support.held_commits import no_commits, until
from support.invariants import check_database

from flowrun.bus import OPERATOR
from flowrun.commands.execution_commands import CancelExecution, RetryExecution, TerminateExecution
from flowrun.coordinator.admission import LimitReachedError
from flowrun.domain.facts import Start
from flowrun.errors import ConflictError


async def send(runtime, command, execution_id: str) -> None:
    await runtime.mediator.send(command(tenant_id="acme", execution_id=execution_id), OPERATOR)


async def test_a_retried_execution_counts_again(tmp_path: Path) -> None:
    gated = Gated()
    async with gated_runtime(tmp_path, gated, "acme") as runtime:
        await save(runtime, "acme", concurrency={"limit": 1})
        first = await start(runtime, "acme")
        await gated.until_begun(1)
        await runtime.mediator.send(CancelExecution(tenant_id="acme", execution_id=first), OPERATOR)
        assert await ended(runtime, first) == "cancelled"
        await runtime.mediator.send(RetryExecution(tenant_id="acme", execution_id=first), OPERATOR)
        second = await start(runtime, "acme")
        assert await status(runtime, second) == "queued"
        gated.open.set()
        assert [await ended(runtime, one) for one in (first, second)] == ["completed", "completed"]


async def test_a_retried_execution_waits_for_its_place_also_over_a_restart(tmp_path: Path) -> None:
    gated = Gated()
    async with gated_runtime(tmp_path, gated, "acme") as runtime:
        await save(runtime, "acme", concurrency={"limit": 1})
        first = await start(runtime, "acme")
        await gated.until_begun(1)
        await runtime.mediator.send(CancelExecution(tenant_id="acme", execution_id=first), OPERATOR)
        assert await ended(runtime, first) == "cancelled"
        second = await start(runtime, "acme")
        await gated.until_begun(2)
        answer = await runtime.mediator.send(RetryExecution(tenant_id="acme", execution_id=first), OPERATOR)
        assert answer == {"execution_id": first, "status": "queued"}
        third = await start(runtime, "acme")
        assert [await status(runtime, one) for one in (first, second, third)] == ["queued", "running", "queued"]
    again = Gated()
    async with gated_runtime(tmp_path, again, "acme") as runtime:
        await again.until_begun(1)
        assert [await status(runtime, one) for one in (first, second, third)] == ["queued", "running", "queued"]
        again.open.set()
        assert [await ended(runtime, one) for one in (first, second, third)] == ["completed"] * 3
    check_database(tmp_path / "flowrun.db", types=TYPES_WITH_GATED)


@pytest.mark.parametrize(
    ("at_limit", "states"), [("reject", ["cancelled", "running"]), ("cancel_oldest", ["running", "cancelled"])]
)
async def test_a_retry_at_the_limit_is_refused_or_takes_a_place(
    tmp_path: Path, at_limit: str, states: list[str]
) -> None:
    gated = Gated()
    async with gated_runtime(tmp_path, gated, "acme") as runtime:
        await save(runtime, "acme", concurrency={"limit": 1, "at_limit": at_limit})
        first = await start(runtime, "acme")
        await gated.until_begun(1)
        await runtime.mediator.send(CancelExecution(tenant_id="acme", execution_id=first), OPERATOR)
        assert await ended(runtime, first) == "cancelled"
        second = await start(runtime, "acme")
        await gated.until_begun(2)
        retry = RetryExecution(tenant_id="acme", execution_id=first)
        if at_limit == "reject":
            with pytest.raises(LimitReachedError, match="limit of 1"):
                await runtime.mediator.send(retry, OPERATOR)
        else:
            await runtime.mediator.send(retry, OPERATOR)
            assert await ended(runtime, second) == "cancelled"
            await gated.until_begun(3)
        assert [await status(runtime, one) for one in (first, second)] == states
        gated.open.set()


async def test_who_leaves_and_comes_back_does_not_keep_the_place_that_another_has_got_meanwhile(tmp_path: Path) -> None:
    gated = Gated()
    async with gated_runtime(tmp_path, gated, "acme") as runtime:
        await save(runtime, "acme", concurrency={"limit": 1})
        first, second, third = [await start(runtime, "acme") for _ in range(3)]
        await gated.until_begun(1)
        async with no_commits(runtime) as writer:
            # In one commit the first one ends, so that the second one may begin, and that one is cancelled, too.
            before = writer.waiting
            gated.let_end(first)
            await until(lambda: writer.waiting > before)
            cancel = asyncio.create_task(send(runtime, CancelExecution, second))
            retry = asyncio.create_task(send(runtime, RetryExecution, second))
            await until(lambda: writer.waiting > before + 1)
        await asyncio.gather(cancel, retry)
        await gated.until_begun(2)
        await start(runtime, "acme")  # Whatever was under way is committed before that.
        assert [execution for _, execution in gated.begun] == [first, third]
        assert (await status(runtime, second), await status(runtime, third)) == ("queued", "running")
        gated.open.set()
        assert [await ended(runtime, one) for one in (third, second)] == ["completed", "completed"]


async def test_who_comes_back_as_the_newest_is_not_cancelled_for_one_that_was_newer_before(tmp_path: Path) -> None:
    gated = Gated()
    async with gated_runtime(tmp_path, gated, "acme") as runtime:
        await save(runtime, "acme", concurrency={"limit": 1, "at_limit": "cancel_oldest"})
        first = await start(runtime, "acme")
        await gated.until_begun(1)
        async with no_commits(runtime) as writer:
            before = writer.waiting
            terminate = asyncio.create_task(send(runtime, TerminateExecution, first))
            retry = asyncio.create_task(send(runtime, RetryExecution, first))
            await until(lambda: writer.waiting > before)
            second = asyncio.create_task(start(runtime, "acme"))
            await until(lambda: writer.waiting > before + 1)
        await asyncio.gather(terminate, retry)
        assert await ended(runtime, await second) == "cancelled"
        gated.open.set()
        assert await ended(runtime, first) == "completed"


async def test_nobody_is_cancelled_for_a_start_that_came_to_nothing_but_for_the_next_one(tmp_path: Path) -> None:
    def fails(_connection: object) -> None:
        raise ConflictError("it was started before")

    gated = Gated()
    async with gated_runtime(tmp_path, gated, "acme") as runtime:
        await save(runtime, "acme", concurrency={"limit": 1, "at_limit": "cancel_oldest"})
        first = await start(runtime, "acme")
        await gated.until_begun(1)
        graph = await runtime.context.graphs.get("acme", "w")
        with pytest.raises(ConflictError):
            await runtime.engine.start(graph, "acme", Start("t", {"type": "manual"}), also=fails)
        second = await start(runtime, "acme")
        assert await ended(runtime, first) == "cancelled"
        gated.open.set()
        assert await ended(runtime, second) == "completed"
