"""flowrun as a process with faults in it: `python tests/faults/process serve …`.

Nothing of it is in the product: what is to go wrong is put round the product's own functions before it starts.
With `FAULT_FORK` it becomes one such process after another, each forked when a line comes in, so that the many lives
of a test don't pay for their imports; it answers with the id of the process, and with its exit code at its end.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

import deliveries
import disk
import mutants
import points

from flowrun.cli.main import main
from flowrun.nodes.registry import builtin_types

LATE = (
    "aiosqlite",
    "anyio._backends._asyncio",
    "flowrun.api.serving",
    "flowrun.cli.serve",
    "hypercorn.asyncio",
    "uvloop",
)
"""What the service imports when it starts; here all lives have it of their parent."""
FAULTS = {
    "FAULT_POINTS": points.install,
    "FAULT_MUTANT": mutants.install,
    "FAULT_DELIVERIES": deliveries.install,
    "FAULT_DISK": disk.install,
}


def live() -> None:
    """Be the service."""
    for name, install in FAULTS.items():
        if name in os.environ:
            install(os.environ[name])
    main()


def fork_lives() -> None:
    """Fork a process for each line."""
    for module in LATE:
        import_module(module)
    builtin_types()
    for _ in sys.stdin:
        process = os.fork()
        if process == 0:
            os.dup2(2, 1)  # The line to the test is the parent's.
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            live()
        print(process, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)


if __name__ == "__main__":
    if "FAULT_FORK" in os.environ:
        fork_lives()
    else:
        live()
