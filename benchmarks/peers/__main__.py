"""`python -m benchmarks.peers [NAME …]`: installs the peers outside the repository and prints one table with ours."""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.peers import bullmq, dbos, n8n, node_red, ours
from benchmarks.peers.place import HERE, Columns, Place

PEERS: dict[str, Callable[[Place, int, float], Columns]] = {
    "flowrun": ours.measure,
    "bullmq": bullmq.measure,
    "dbos": dbos.measure,
    "node_red": node_red.measure,
    "n8n": n8n.measure,
}
FIGURES = (
    "chain_steps_per_s",
    "chain_alone_ms",
    "fan_out_100_ms",
    "webhook_requests_per_s",
    "webhook_p50_ms",
    "webhook_p99_ms",
    "webhook_one_connection_p50_ms",
    "start_s",
    "idle_mb",
)


def medians(names: list[str], place: Place, *, rounds: int, executions: int, seconds: float) -> Columns:
    """The medians of all runs; a peer that cannot be installed or run is told of and left out."""
    found: dict[str, dict[str, list[float]]] = {}
    for number in range(rounds):
        for name in list(names):
            print(f"run {number + 1} of {rounds}: {name} …", file=sys.stderr)
            try:
                columns = PEERS[name](place, executions, seconds)
            except SystemExit as error:
                print(f"{name} is left out: {error}", file=sys.stderr)
                names.remove(name)
                continue
            for column, figures in columns.items():
                for figure, value in figures.items():
                    found.setdefault(column, {}).setdefault(figure, []).append(value)
    return {
        column: {name: statistics.median(values) for name, values in figures.items()}
        for column, figures in found.items()
    }


def table(columns: Columns) -> str:
    """Figures down, peers across, as Markdown; a dash where a peer has none."""
    rows = [["", *columns]]
    rows += [[name, *(f"{of[name]:g}" if name in of else "-" for of in columns.values())] for name in FIGURES]
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return "\n".join([lines[0], "| " + " | ".join("-" * width for width in widths) + " |", *lines[1:]])


def options() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(PEERS)}; all if none is named")
    parser.add_argument("--rounds", type=int, default=3, help="the median of so many runs is printed")
    parser.add_argument("--executions", type=int, default=1000, help="chains started at once")
    parser.add_argument("--seconds", type=float, default=5.0, help="seconds of a webhook load")
    parser.add_argument("--quick", action="store_true", help="one short run of each, to see that they work")
    parser.add_argument("--ours", type=Path, help="our figures, as `python -m benchmarks --json` printed them")
    parser.add_argument("--folder", type=Path, help="install here and leave it, instead of in a temporary directory")
    parser.add_argument("--json", action="store_true", help="print the medians as JSON")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(PEERS):
        parser.error(f"not known: {', '.join(sorted(unknown))}")
    if chosen.folder is not None and chosen.folder.resolve().is_relative_to(HERE.parents[1]):
        parser.error("--folder lies in the repository")
    return chosen


def main() -> None:
    """Install, measure and print."""
    chosen = options()
    names = chosen.names or [name for name in PEERS if name != "flowrun" or chosen.ours is None]
    rounds, executions, seconds = (1, 50, 1.0) if chosen.quick else (chosen.rounds, chosen.executions, chosen.seconds)
    columns = {"flowrun": json.loads(chosen.ours.read_text())} if chosen.ours else {}
    with tempfile.TemporaryDirectory(prefix="flowrun-peers-") as temporary:
        place = Place((chosen.folder or Path(temporary)).resolve())
        columns |= medians(names, place, rounds=rounds, executions=executions, seconds=seconds)
    if chosen.json:
        print(json.dumps(columns, indent=2))
        return
    print(f"{platform.machine()}, {platform.system()}, the medians of {rounds} runs\n")
    print(table(columns))


if __name__ == "__main__":
    main()
