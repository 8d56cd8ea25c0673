"""The palette of commands, which bears keys that come before its commands do."""

from __future__ import annotations

from textual.command import CommandList, CommandPalette


class Palette(CommandPalette):
    """The framework's, which fails when a page is to be turned in a list that is still empty."""

    def _action_command_list(self, action: str) -> None:
        if self.query_one(CommandList).option_count:
            super()._action_command_list(action)
