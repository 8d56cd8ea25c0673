"""`flowrun apply` and `diff`: bring workflow files to the service, or see what that would change."""

from __future__ import annotations

from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flowrun.cli import output as out
from flowrun.cli.failure import FAILED
from flowrun.cli.options import WORKFLOW_PATH, output_option, service_options, tenant_option, tenant_path

if TYPE_CHECKING:
    from flowrun.cli.client import ServiceClient
    from flowrun.cli.documents import WorkflowFile
    from flowrun.domain.definition import WorkflowDefinition

_COLOURS = {"created": "green", "changed": "yellow"}


@click.command()
@click.argument("paths", nargs=-1, required=True, type=WORKFLOW_PATH)
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@tenant_option
@service_options
@output_option
def apply(client: ServiceClient, paths: tuple[Path, ...], dry_run: bool, tenant: str, output: str) -> None:
    """Save workflow files in the service.

    PATHS are workflow files or directories of them, - is standard input. One bad file, and none is saved.

    Example: flowrun apply examples/ --dry-run
    """
    from flowrun.cli.documents import read_files, require_valid  # noqa: PLC0415 - loads the node types

    files = require_valid(read_files(paths))
    # The service may see more than this machine can, such as a route that another workflow has: asked before
    # anything is saved.
    done = [_save(client, tenant, *file, dry_run=True) for file in files]
    if not dry_run:
        done = [_save(client, tenant, *file, dry_run=False) for file in files]
    given = {("workflow", one["workflow"]) for one in done}
    for one in done:  # What one file lacks may be the next one.
        one["hints"] = [hint for hint in one["hints"] if (hint.get("kind"), hint.get("name")) not in given]
    if output == "json":
        out.print_json(done)
        return
    for one in done:
        word = str(one["change"])
        click.echo(
            f"{click.style(word.ljust(9), fg=_COLOURS.get(word))}  {one['workflow']}  version {one['version']}"
            f"  {click.style(str(one['file']), dim=True)}"
        )
        for hint in one["hints"]:
            click.echo(f"  {hint['path']}: {hint['message']}", err=True)
    if dry_run:
        click.echo("Nothing was saved: this was a dry run.", err=True)


@click.command()
@click.argument("file", type=WORKFLOW_PATH)
@tenant_option
@service_options
@click.pass_context
def diff(ctx: click.Context, client: ServiceClient, file: Path, tenant: str) -> None:
    """Show what applying a workflow file would change.

    The exit code is that of `diff`: 1 when there is a difference.

    Example: flowrun diff order-intake.yaml
    """
    from flowrun.cli.documents import read_files, require_valid  # noqa: PLC0415 - loads the node types
    from flowrun.formats import to_document, to_yaml  # noqa: PLC0415

    differs = False
    for one, definition in require_valid(read_files([file])):
        before = _present(client, tenant, definition.id)
        after = to_yaml(to_document(definition))
        if not one.states_status:
            after = _with_status(after, before)
        names = (f"service/{definition.id}", str(one.path))
        for line in unified_diff(before.splitlines(), after.splitlines(), *names, lineterm=""):
            differs = True
            colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
            click.echo(click.style(line, fg=colour))
    ctx.exit(FAILED if differs else 0)


def _present(client: ServiceClient, tenant: str, workflow_id: str) -> str:
    """The workflow as the service has it, as YAML; empty when it has none."""
    from flowrun.errors import NotFoundError  # noqa: PLC0415

    path = tenant_path(tenant, "workflows", workflow_id, "export")
    try:
        return client.ask("GET", path, params={"format": "yaml"}).text
    except NotFoundError:
        return ""


def _with_status(after: str, before: str) -> str:
    """Applying a file that says nothing of the status leaves the status as it is."""
    line = next((line for line in before.splitlines() if line.startswith("status:")), None)
    if line is None:
        return after
    head, *rest = after.splitlines()
    names = [other for other in rest if other.startswith("name:")]
    return "\n".join([head, *names, line, *(other for other in rest if other not in names)])


def _save(
    client: ServiceClient, tenant: str, file: WorkflowFile, definition: WorkflowDefinition, *, dry_run: bool
) -> dict[str, Any]:
    answer = client.ask(
        "PUT",
        tenant_path(tenant, "workflows", definition.id),
        params={"dry_run": "true"} if dry_run else None,
        content=file.content,
        headers={"Content-Type": file.media_type},
    ).json()
    created = answer["changed"] and answer["version"] == 1
    change = "created" if created else "changed" if answer["changed"] else "unchanged"
    return {
        "workflow": definition.id,
        "file": str(file.path),
        "change": change,
        "version": answer["version"],
        "hints": answer.get("hints", []),
    }
