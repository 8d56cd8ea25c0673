"""`flowrun test`: the test cases of workflow files, run here and now."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from flowrun.cli import output as out
from flowrun.cli.failure import FAILED
from flowrun.cli.options import WORKFLOW_PATH, output_option

if TYPE_CHECKING:
    from flowrun.cli.documents import WorkflowFile
    from flowrun.rehearsal.rehearse import Verdict


@dataclass(slots=True)
class FileRun:
    """What came of a file's cases, each with the ms that it took."""

    file: WorkflowFile
    verdicts: list[tuple[Verdict, float]] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether the file is wrong or a case has failed."""
        return bool(self.file.issues) or any(not verdict.passed for verdict, _ in self.verdicts)


@click.command()
@click.argument("paths", nargs=-1, required=True, type=WORKFLOW_PATH, metavar="FILE|DIR…")
@click.option(
    "--name", "pattern", metavar="PATTERN", help="Only cases whose name has this in it; * stands for anything."
)
@output_option
@click.pass_context
def test(ctx: click.Context, paths: tuple[Path, ...], pattern: str | None, output: str) -> None:
    """Run the test cases that workflow files bring along.

    Needs no service: waits, retries and timeouts take no time, and nothing leaves this machine. What nodes would ask
    others for stands in the case (docs/testing-workflows.md).

    Example: flowrun test examples/refund-approval.yaml
    """
    from flowrun.cli.documents import read_files  # noqa: PLC0415 - loads the node types

    began = perf_counter()
    done = asyncio.run(_run(read_files(paths), pattern))
    count = sum(len(one.verdicts) for one in done)
    if count == 0 and not any(one.file.issues for one in done):
        raise click.UsageError(
            f"no test case has {pattern!r} in its name" if pattern else "there are no `tests:` in it"
        )
    if output == "json":
        out.print_json([_document(one) for one in done])
    else:
        from flowrun.cli.rehearsal_view import print_file, print_sum  # noqa: PLC0415 - for people alone

        for one in done:
            if one.file.issues or one.verdicts:
                print_file(one)
        print_sum(done, perf_counter() - began)
    ctx.exit(FAILED if any(one.failed for one in done) else 0)


async def _run(files: list[WorkflowFile], pattern: str | None) -> list[FileRun]:
    from flowrun.cli.documents import node_types  # noqa: PLC0415
    from flowrun.rehearsal.rehearse import rehearse  # noqa: PLC0415 - loads the engine

    done = []
    for file in files:
        run = FileRun(file)
        if file.definition is not None and not file.issues:
            for case in file.cases:
                if _is_meant(case.name, pattern):
                    began = perf_counter()
                    verdict = await rehearse(case, file.definition, node_types())
                    run.verdicts.append((verdict, (perf_counter() - began) * 1000))
        done.append(run)
    return done


def _is_meant(name: str, pattern: str | None) -> bool:
    return pattern is None or fnmatchcase(name.lower(), f"*{pattern.lower()}*")


def _document(run: FileRun) -> dict[str, Any]:
    file = run.file
    return {
        "file": str(file.path),
        "workflow": file.definition.id if file.definition else None,
        "passed": not run.failed,
        "errors": [{"path": one.path, "message": one.message, "suggestion": one.suggestion} for one in file.issues],
        "cases": [_case(verdict, milliseconds) for verdict, milliseconds in run.verdicts],
    }


def _case(verdict: Verdict, milliseconds: float) -> dict[str, Any]:
    nodes = [
        {"node_id": one.node, "iteration": one.iteration, "type": one.type, **one.document} for one in verdict.nodes
    ]
    return {
        "name": verdict.case.name,
        "passed": verdict.passed,
        "status": verdict.status,
        "took": verdict.took,
        "milliseconds": round(milliseconds, 3),
        "problems": verdict.problems,
        "mismatches": [
            {"path": one.path, "expected": one.expected, "actual": one.actual, "note": one.note or None}
            for one in verdict.mismatches
        ],
        "nodes": nodes,
    }
