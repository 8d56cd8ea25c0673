"""A click group whose commands are imported when they are used, listed in sections."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """A group made of `{section: {command: "module:attribute"}}`."""

    def __init__(self, *args: Any, sections: Mapping[str, Mapping[str, str]], **attributes: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **attributes)
        self._sections = sections
        self._places = {name: place for commands in sections.values() for name, place in commands.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Every command, in the order of the sections."""
        return list(self._places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the command of that name."""
        place = self._places.get(cmd_name)
        if place is None:
            return None
        module, _, attribute = place.partition(":")
        command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{place} is no command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first argument names; a misspelt one gets a suggestion."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            meant = None if args[0].startswith("-") else self._meant(ctx, args[0])
            if meant is None:
                raise
            raise click.UsageError(f"No such command {args[0]!r}. Did you mean {meant!r}?", ctx) from error

    def _meant(self, ctx: click.Context, name: str) -> str | None:
        """The command of that name within a group, or one that is written nearly so."""
        from difflib import get_close_matches  # noqa: PLC0415 - only a mistake needs it

        for place in self._places:
            group = self.get_command(ctx, place)
            if isinstance(group, click.Group) and name in group.commands:
                return f"{place} {name}"
        return next(iter(get_close_matches(name, self._places, n=1)), None)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections."""
        longest = max(map(len, self._places))
        limit = formatter.width - 4 - longest
        for title, commands in self._sections.items():
            rows = [(name.ljust(longest), self._summary(ctx, name, limit)) for name in commands]
            with formatter.section(title):
                formatter.write_dl(rows)

    def _summary(self, ctx: click.Context, name: str, limit: int) -> str:
        command = self.get_command(ctx, name)
        return command.get_short_help_str(limit) if command is not None else ""
