"""The service's numbers in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Sample = tuple[Mapping[str, str], float | int | None]
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


def metrics_text(stats: Mapping[str, Any]) -> str:
    """What `GET /api/v1/stats` tells, as metrics; durations in seconds."""
    tenants, workers = stats["tenants"], stats["workers"]
    parts = [
        _metric("info", "The version that runs.", [({"version": stats["version"]}, 1)]),
        _metric("uptime_seconds", "Since the start.", [({}, stats["uptime"])]),
        _metric("boot_epoch", "How often a process has started on this data.", [({}, stats["epoch"])]),
        _metric("memory_bytes", "Resident memory.", [({}, stats["memory"])]),
        _metric("executions_live", "Executions by tenant and state.", _by_state(tenants, "executions", "status")),
        *[_counter(f"executions_{what}_total", f"Executions {what} since the start.", tenants, what) for what in _ENDS],
        _counter("node_runs_total", "Node runs that ended since the start.", tenants, "steps"),
        *[_of_workers(workers, name, about) for name, about in _WORKER.items()],
        _latency("worker_wait_seconds", "From queued to begun.", _quantiles(workers, "wait")),
        _latency("worker_run_seconds", "Of an attempt.", _quantiles(workers, "run")),
        _metric("writer_waiting", "Units of work that wait for a transaction.", [({}, stats["writer"]["waiting"])]),
        _metric("writer_commits_per_second", "Transactions.", [({}, stats["writer"]["commits_per_second"])]),
        _latency("writer_commit_seconds", "Of a transaction.", _quantiles({"": stats["writer"]}, "commit")),
        _metric("timers_near", "Timers due within a minute.", [({}, stats["timers"]["within_minute"])]),
        _metric("streams", "Open streams.", [({}, stats["streams"])]),
        _metric("executions_in_memory", "Executions held in memory.", [({}, stats["executions_in_memory"])]),
    ]
    return "".join(parts)


_ENDS = ("started", "completed", "failed", "cancelled")
_WORKER = {
    "queued": "Jobs that wait for the worker.",
    "running": "Jobs that the worker runs.",
    "capacity": "How many it runs at once.",
    "rate": "Jobs that ended per second, mean of ten seconds.",
}


def _by_state(tenants: Iterable[Mapping[str, Any]], field: str, label: str) -> list[Sample]:
    return [
        ({"tenant": one["tenant_id"], label: state}, count) for one in tenants for state, count in one[field].items()
    ]


def _counter(name: str, about: str, tenants: Iterable[Mapping[str, Any]], what: str) -> str:
    samples = [({"tenant": one["tenant_id"]}, one["since_start"][what]) for one in tenants]
    return _metric(name, about, samples, kind="counter")


def _of_workers(workers: Mapping[str, Mapping[str, Any]], name: str, about: str) -> str:
    return _metric(f"worker_{name}", about, [({"worker": worker}, one[name]) for worker, one in workers.items()])


def _quantiles(of: Mapping[str, Mapping[str, Any]], field: str) -> list[Sample]:
    named = (("p50", "0.5"), ("p99", "0.99"))
    return [
        ({**({"worker": name} if name else {}), "quantile": quantile}, one[field][key])
        for name, one in of.items()
        for key, quantile in named
    ]


def _metric(name: str, about: str, samples: Iterable[Sample], kind: str = "gauge") -> str:
    lines = [f"flowrun_{name}{_labels(labels)} {value}" for labels, value in samples if value is not None]
    if not lines:
        return ""
    return "\n".join([f"# HELP flowrun_{name} {about}", f"# TYPE flowrun_{name} {kind}", *lines]) + "\n"


def _latency(name: str, about: str, samples: Iterable[Sample]) -> str:
    return _metric(name, f"{about} Median and 99th percentile of the latest 500.", samples)


def _labels(labels: Mapping[str, str]) -> str:
    pairs = [f'{name}="{value.translate(_ESCAPES)}"' for name, value in labels.items()]
    return "{" + ",".join(pairs) + "}" if pairs else ""
