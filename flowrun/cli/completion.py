"""`flowrun completion`: the script that lets a shell complete flowrun's commands."""

from __future__ import annotations

import click

_WHERE = {
    "bash": 'Add to ~/.bashrc: eval "$(flowrun completion bash)"',
    "zsh": 'Add to ~/.zshrc: eval "$(flowrun completion zsh)"',
    "fish": "Save as ~/.config/fish/completions/flowrun.fish",
}


@click.command()
@click.argument("shell", type=click.Choice(sorted(_WHERE)))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    Example: eval "$(flowrun completion bash)"
    """
    from click.shell_completion import get_completion_class  # noqa: PLC0415 - only here

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"click has no completion for {shell}")
    root = ctx.find_root()
    click.echo(f"# {_WHERE[shell]}")
    click.echo(kind(root.command, {}, "flowrun", "_FLOWRUN_COMPLETE").source())
