"""`flowrun demo`: the service on a fresh database, one webhook through it, and the way it took."""

from __future__ import annotations

import asyncio
import shutil
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flowrun.cli import output as out

if TYPE_CHECKING:
    from flowrun.bootstrap import ServiceInfo
    from flowrun.cli.demo_story import Story
    from flowrun.config import Settings

START_SECONDS = 30.0
PICTURE_COLUMNS = 98
"""What the picture of the graph needs; a narrower terminal gets plain lines."""


@click.command()
@click.option("--once", is_flag=True, help="End after the run; the exit code is 0 when all went well.")
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="Default: any free one.")
@click.pass_context
def demo(ctx: click.Context, once: bool, port: int) -> None:
    """See flowrun work: a fresh database, one webhook, the way it took.

    Starts the service, sends a GitHub push to an example, and prints what every node was given and gave.

    Nothing is left behind: the data is in a temporary directory.

    Example: flowrun demo --once
    """
    import anyio  # noqa: PLC0415 - the service is far slower to import than the command line

    from flowrun.config import Settings  # noqa: PLC0415

    click.echo(click.style("Starting flowrun on a fresh database …", dim=True), err=True)
    with tempfile.TemporaryDirectory(prefix="flowrun-demo-") as directory:
        settings = Settings(
            data_dir=Path(directory), port=port, http_allow=("127.0.0.1",), log_level="warning", shutdown_grace=2.0
        )
        succeeded = anyio.run(_run, settings, once)
    ctx.exit(0 if succeeded else 1)


async def _run(settings: Settings, once: bool) -> bool:
    from flowrun.bootstrap import run_service  # noqa: PLC0415 - imports the whole service
    from flowrun.cli.demo_neighbour import Neighbour  # noqa: PLC0415

    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    started: asyncio.Future[ServiceInfo] = loop.create_future()
    service = asyncio.create_task(run_service(settings, started=started.set_result, stop=stop))
    async with Neighbour() as neighbour:
        try:
            info = await _first(started, service)
            story = await _tell(info, neighbour.url)
            _print(story, once=once)
            if not once:
                await service
        finally:
            stop.set()
            await asyncio.wait([service])
    return story.succeeded


async def _first(started: asyncio.Future[ServiceInfo], service: asyncio.Task[None]) -> ServiceInfo:
    """Wait until the service has started; what it fails with instead is raised."""
    either: tuple[asyncio.Future[Any], ...] = (started, service)
    await asyncio.wait(either, timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    if started.done():
        return started.result()
    from flowrun.errors import UnavailableError  # noqa: PLC0415

    if service.done():
        service.result()
    raise UnavailableError("The service ended, or took too long, before it was ready")


async def _tell(info: ServiceInfo, neighbour_url: str) -> Story:
    from flowrun.cli.demo_run import DemoRun  # noqa: PLC0415 - imports the HTTP client

    async with DemoRun(info) as run:
        await run.load_examples(neighbour_url)
        return await run.push()


def _print(story: Story, *, once: bool) -> None:
    if out.is_rich() and shutil.get_terminal_size().columns >= PICTURE_COLUMNS:
        from flowrun.cli.demo_panels import print_farewell, print_story  # noqa: PLC0415 - imports rich
    else:
        from flowrun.cli.demo_plain import print_farewell, print_story  # noqa: PLC0415

    print_story(story)
    if not once:
        print_farewell(story)
