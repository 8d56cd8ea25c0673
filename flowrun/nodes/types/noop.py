"""The node that does nothing."""

from __future__ import annotations

from flowrun.domain.node_type import Completed, NodeContext, Outcome
from flowrun.nodes.base import EngineNodeType


class Noop(EngineNodeType):
    """Gives its input on unchanged, e.g. as the one place where several branches meet."""

    name = "noop"

    def decide(self, context: NodeContext) -> Outcome:
        """Complete with the input."""
        return Completed(context.input)
