"""flowrun as a process with faults in it: `python tests/faults/process serve …`.

Nothing of it is in the product: what is to go wrong is put round the product's own functions before it starts.
"""

from __future__ import annotations

import os

import deliveries
import disk
import mutants
import points

from flowrun.cli.main import main

FAULTS = {
    "FAULT_POINTS": points.install,
    "FAULT_MUTANT": mutants.install,
    "FAULT_DELIVERIES": deliveries.install,
    "FAULT_DISK": disk.install,
}


if __name__ == "__main__":
    for name, install in FAULTS.items():
        if name in os.environ:
            install(os.environ[name])
    main()
