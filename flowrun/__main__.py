"""`python -m flowrun` is the command line."""

from __future__ import annotations

from flowrun.cli.main import main

if __name__ == "__main__":
    main()
