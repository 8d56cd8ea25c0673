"""A plugin whose node doesn't listen when it is told to stop; the service under test loads it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from pydantic import Field

from flowrun.domain.node_type import Completed, Outcome
from flowrun.nodes.base import WorkerNodeType
from flowrun.nodes.job import NodeJob, Services
from flowrun.nodes.params import ParamsModel


def installed(folder: Path) -> str:
    """Make it a package within a folder; gives the PYTHONPATH on which a service finds it."""
    info = folder / "stubborn-1.dist-info"
    info.mkdir(parents=True)
    info.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: stubborn\nVersion: 1\n")
    info.joinpath("entry_points.txt").write_text("[flowrun.nodes]\nstubborn = e2e.stubborn:Stubborn\n")
    tests = Path(__file__).parents[1]
    return f"{folder}:{tests}:{tests.parent}"


class StubbornParams(ParamsModel):
    """The params of `stubborn`."""

    file: str = Field(description="The node ends when this file is there, and not before.")


class Stubborn(WorkerNodeType):
    """Goes on until a file is there, whoever cancels it."""

    name = "stubborn"
    worker = "webhook"
    Params = StubbornParams

    async def run(self, job: NodeJob, services: Services) -> Outcome:  # noqa: ARG002
        """Wait for the file."""
        file = Path(str(job.params["file"]))
        while not file.exists():  # noqa: ASYNC240 - other processes have no events, and the call is short
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                continue
        return Completed("done")
