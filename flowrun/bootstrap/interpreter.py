"""Settings of the Python interpreter that suit a process which does nothing but serve."""

from __future__ import annotations

import gc
import sys

_SWITCH_SECONDS = 0.02


def tune_interpreter() -> None:
    """Keep the garbage collector and the change of threads from taking time that the service needs.

    Executions make few cycles; with Python's own thresholds a tenth of the time under load goes into looking, and
    into walking what lives as long as the process. And a thread that asks for the interpreter's lock gets it after
    5 ms by default, in the middle of the event loop's turn: the writer's commits then cover half as many units, and
    take twice as long.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    sys.setswitchinterval(_SWITCH_SECONDS)
