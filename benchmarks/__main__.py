"""`python -m benchmarks [--quick] [--json]`: every figure, the median of several runs."""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys

import uvloop

from benchmarks import agent, dashboard, engine, expressions, graphs, loops, routes, schedules, service, streams

AIMS = {
    "chain_steps_per_s": "≥ 8,000",
    "chain_engine_nodes_steps_per_s": "≥ 20,000",
    "chain_16_in_flight_steps_per_s": "≥ 0.6 of the first",
    "chain_100_in_flight_steps_per_s": "≥ 0.6 of the first",
    "chain_alone_ms": "≤ 8",
    "fan_out_100_ms": "≤ 20",
    "chain_worker_1000_to_10": "≤ 1.3",
    "chain_engine_1000_to_10": "≤ 1.3",
    "layers_worker_1000_to_10": "≤ 1.3",
    "layers_engine_1000_to_10": "≤ 1.3",
    "start_s": "≤ 1.2",
    "idle_mb": "≤ 85",
    "webhook_to_echo": "≥ 0.5",
    "webhook_p99_ms": "≤ 25",
    "webhook_one_connection_p50_ms": "≤ 3",
    "accepts_10000_to_1": "≥ 0.9",
    "schedule_start_p99_ms": "≤ 50",
    "cpu_10_to_0_streams": "≤ 1.05",
    "dashboard_first_rows_s": "< 1",
    "dashboard_idle_cpu_percent": "< 1",
    "dashboard_busy_cpu_percent": "< 2",
    "dashboard_flood_executions_per_s": "1,000",
    "dashboard_1000_last_row_s": "≤ 2",
    "webhook_cpu_1_to_0_dashboards": "≤ 1.05",
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short run of each, to see that they work")
    parser.add_argument("--json", action="store_true", help="print the medians as JSON")
    options = parser.parse_args()
    rounds, executions, seconds = (1, 100, 1.0) if options.quick else (3, 1000, 5.0)
    found: dict[str, list[float]] = {}
    for number in range(rounds):
        print(f"run {number + 1} of {rounds} …", file=sys.stderr)
        for figures in (
            uvloop.run(engine.measure(executions)),
            uvloop.run(graphs.measure(executions)),
            uvloop.run(schedules.measure(executions)),
            uvloop.run(streams.measure(max(executions // 4, 50), rounds=1 if options.quick else 5)),
            uvloop.run(agent.measure(executions)),
            expressions.measure(executions * 5),
            loops.measure(executions * 10),
            service.measure(seconds),
            routes.measure(seconds),
            dashboard.measure(seconds, rounds=1 if options.quick else 3),
        ):
            for name, figure in figures.items():
                found.setdefault(name, []).append(figure)
    medians = {name: statistics.median(values) for name, values in found.items()}
    if options.json:
        print(json.dumps(medians, indent=2))
        return
    print(f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}")
    for name, median in medians.items():
        spread = f"{min(found[name]):g} … {max(found[name]):g}"
        print(f"{name:34} {median:>10g}   {spread:24} {AIMS.get(name, '')}")


if __name__ == "__main__":
    main()
