"""`python -m tui`: the dashboard without the rest of the command line."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from tui.place import Options, Place
from tui.running import run


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="tui", description="The dashboard of a flowrun service.")
    parser.add_argument("--socket", type=Path, help="the service's socket")
    parser.add_argument("--url", help="a service elsewhere; the key comes from FLOWRUN_KEY")
    parser.add_argument("--tenant", help="begin with this tenant")
    parser.add_argument("--readonly", action="store_true", help="look, change nothing")
    parser.add_argument("--ascii", action="store_true", help="draw with ASCII alone")
    given = parser.parse_args()
    if (given.socket is None) == (given.url is None):
        parser.error("name the service with --socket or --url")
    place = Place(given.socket, given.url, os.environ.get("FLOWRUN_KEY"))
    run(Options(place, given.tenant, given.readonly, given.ascii))


if __name__ == "__main__":
    main()
