"""`flowrun validate`, `export` and `graph`: workflows as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from flowrun.cli import output as out
from flowrun.cli.failure import FAILED
from flowrun.cli.options import WORKFLOW_PATH, output_option, service_options, tenant_option, tenant_path

if TYPE_CHECKING:
    from flowrun.cli.client import ServiceClient
    from flowrun.cli.documents import WorkflowFile


@click.command()
@click.argument("files", nargs=-1, required=True, type=WORKFLOW_PATH)
@output_option
@click.pass_context
def validate(ctx: click.Context, files: tuple[Path, ...], output: str) -> None:
    """Check workflow files.

    FILES are workflow files or directories of them, - is standard input. Everything that is wrong is printed; needs
    no service.

    Example: flowrun validate examples/*.yaml
    """
    from flowrun.cli.documents import read_files  # noqa: PLC0415 - loads the node types

    found = read_files(files)
    if output == "json":
        out.print_json([_report(file) for file in found])
    else:
        for file in found:
            _print_report(file)
    ctx.exit(FAILED if any(file.issues for file in found) else 0)


@click.command()
@click.argument("file", type=WORKFLOW_PATH)
def graph(file: Path) -> None:
    """Print a workflow file as a Mermaid picture; needs no service.

    Example: flowrun graph examples/github-push.yaml
    """
    from flowrun.cli.documents import read_file, require_valid  # noqa: PLC0415 - loads the node types
    from flowrun.formats import to_mermaid  # noqa: PLC0415

    for _, definition in require_valid([read_file(file)]):
        click.echo(to_mermaid(definition), nl=False)


@click.command()
@click.argument("workflow")
@click.option("--format", "form", type=click.Choice(["yaml", "json", "mermaid"]), default="yaml", show_default=True)
@tenant_option
@service_options
def export(client: ServiceClient, workflow: str, form: str, tenant: str) -> None:
    """Print a workflow of the service as a file.

    Example: flowrun export order-intake > order-intake.yaml
    """
    answer = client.ask("GET", tenant_path(tenant, "workflows", workflow, "export"), params={"format": form})
    click.echo(answer.text, nl=False)


def _report(file: WorkflowFile) -> dict[str, object]:
    errors = [{"path": issue.path, "message": issue.message, "suggestion": issue.suggestion} for issue in file.issues]
    workflow = file.definition.id if file.definition else None
    return {"file": str(file.path), "workflow": workflow, "valid": not errors, "errors": errors}


def _print_report(file: WorkflowFile) -> None:
    if file.definition is not None and not file.issues:
        nodes = out.spell_count(len(file.definition.nodes), "node")
        edges = out.spell_count(len(file.definition.edges), "edge")
        click.echo(f"{click.style('✓', fg='green')} {file.path}  {file.definition.id}: {nodes}, {edges}")
        return
    click.echo(f"{click.style('✗', fg='red')} {file.path}")
    for issue in file.issues:
        click.echo(f"    {out.printable(str(issue))}")
