"""What a dashboard has for a terminal when it is behind a page: Textual's, with two gaps closed."""

from __future__ import annotations

import os

from textual import events
from textual.drivers.web_driver import WebDriver


class PageDriver(WebDriver):
    """Has the keyboard from the beginning, and ends with the server, also when that was killed."""

    def start_application_mode(self) -> None:
        """Begin; the page may have said before that it has the focus, and Textual takes it away now."""
        super().start_application_mode()
        self._app.call_later(self._app.post_message, events.AppFocus())

    def run_input_thread(self) -> None:
        """Read until the dashboard ends, or until there is nobody left to show anything to."""
        super().run_input_thread()
        if not self.exit_event.is_set():
            os._exit(1)
