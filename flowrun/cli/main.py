"""`flowrun`: the root of the command line, its table of commands, and how errors end it."""

from __future__ import annotations

import os
import sys

import click

from flowrun import __version__
from flowrun.cli.failure import guarded
from flowrun.cli.lazy import LazyGroup

SECTIONS = {
    "Run": {
        "demo": "flowrun.cli.demo:demo",
        "serve": "flowrun.cli.serve:serve",
        "dashboard": "flowrun.cli.dashboard:dashboard",
    },
    "Workflow files": {
        "validate": "flowrun.cli.workflow_files:validate",
        "test": "flowrun.cli.rehearse:test",
        "apply": "flowrun.cli.apply:apply",
        "diff": "flowrun.cli.apply:diff",
        "export": "flowrun.cli.workflow_files:export",
        "graph": "flowrun.cli.workflow_files:graph",
    },
    "Executions": {
        "start": "flowrun.cli.start:start",
        "executions": "flowrun.cli.executions:executions",
        "events": "flowrun.cli.events:events",
    },
    "Administration": {
        "workflows": "flowrun.cli.workflows:workflows",
        "schedules": "flowrun.cli.schedules:schedules",
        "webhooks": "flowrun.cli.webhooks:webhooks",
        "tenants": "flowrun.cli.tenants:tenants",
        "keys": "flowrun.cli.keys:keys",
        "secrets": "flowrun.cli.secrets:secrets",
        "channels": "flowrun.cli.channels:channels",
        "conversations": "flowrun.cli.conversations:conversations",
        "nodes": "flowrun.cli.nodes:nodes",
    },
    "Operations": {
        "backup": "flowrun.cli.backup:backup",
        "restore": "flowrun.cli.restore:restore",
        "migrate": "flowrun.cli.migrate:migrate",
        "config": "flowrun.cli.config:config",
        "doctor": "flowrun.cli.doctor:doctor",
        "healthcheck": "flowrun.cli.healthcheck:healthcheck",
        "completion": "flowrun.cli.completion:completion",
        "dev": "flowrun.cli.dev:dev",
    },
}


class Root(LazyGroup):
    """The root group: what a command raises becomes one line and an exit code."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        if os.environ.get("NO_COLOR"):
            ctx.color = False
        return guarded(lambda: click.Group.invoke(self, ctx), debug=bool(ctx.params.get("debug")))


@click.group(
    cls=Root,
    sections=SECTIONS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Begin with `flowrun demo`. Exit codes: 0 done, 1 the work failed, 2 usage, 3 no service.",
)
@click.option("--debug", is_flag=True, help="Show the trace of an error.")
@click.version_option(__version__, "--version", prog_name="flowrun", message="%(prog)s %(version)s")
def cli(debug: bool) -> None:
    """Run durable workflows: one process, embedded SQLite, nothing lost."""


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal without UTF-8 shows a question mark for what it lacks, rather than a trace.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    cli(prog_name="flowrun")
