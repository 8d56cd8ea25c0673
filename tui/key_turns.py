"""Keys one after the other: each takes effect before the next is looked at, however fast they come.

A key goes to the widget that has the focus and from there up to the app, through a queue at every step, and what it
does may move the focus, which takes one more. In a burst, as from a paste, the keys behind it would still go to where
the focus was: what is typed after `/` would be taken for commands.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable

from textual.app import App
from textual.dom import DOMNode
from textual.events import Key
from textual.timer import Timer

_LONGEST = 0.25
"""Seconds after which the next key has its turn in any case: a widget that goes away takes along what it was sent."""


class KeyTurns:
    """Holds keys back while one is on its way."""

    def __init__(self, app: App[None], hand_on: Callable[[Key], Awaitable[None]]) -> None:
        """`hand_on` is what the app does with a key by itself."""
        self._app = app
        self._hand_on = hand_on
        self._waiting: deque[Key] = deque()
        self._turn = 0
        """Counts the keys handed on, so that one which is overdue does not end the turn of another."""
        self._overdue: Timer | None = None
        """There is one while a key is on its way."""

    async def take(self, key: Key) -> None:
        """Hand a key on, now or when it is its turn."""
        if self._overdue is None:
            await self._begin(key)
        else:
            self._waiting.append(key)

    async def _begin(self, key: Key) -> None:
        self._turn += 1
        turn, target = self._turn, self._app.focused or self._app.screen
        self._overdue = self._app.set_timer(_LONGEST, lambda: self._end(turn))
        await self._hand_on(key)
        # What a field says to its form when it is sent goes the same way behind the key.
        self._follow(turn, target, again=target if key.key == "enter" else None)

    def _follow(self, turn: int, node: DOMNode | None, again: DOMNode | None) -> None:
        """Go the key's way up behind it, through the queue of every widget, and once more from `again`."""
        if node is not None and node is not self._app:
            if not node.call_later(self._follow, turn, node.parent, again):
                self._follow(turn, node.parent, again)
        elif again is not None:
            self._follow(turn, again, None)
        else:
            # The app's own turn, and then what the key has left in its queue: the focus is moved there.
            self._app.call_later(self._app.call_later, self._end, turn)

    async def _end(self, turn: int) -> None:
        if turn != self._turn or self._overdue is None:
            return
        self._overdue.stop()
        self._overdue = None
        if self._waiting:
            await self._begin(self._waiting.popleft())
