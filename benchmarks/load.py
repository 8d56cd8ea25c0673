"""A closed-loop HTTP load: some connections, each sending its next request when the last was answered.

Run as a process of its own, so that it takes no time from the server's: `python load.py HOST PORT REQUEST_FILE
CONNECTIONS SECONDS RATE`, where RATE is the most requests per second, 0 as many as are answered. Prints one JSON
object: requests per second and latencies in ms.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

WARM_UP = 0.5
"""Seconds whose requests are not counted."""


async def connection(
    host: str, port: int, request: bytes, until: float, counted_from: float, pause: float
) -> list[float]:
    """Send one request after the other until the time is over; gives the latencies counted, in seconds.

    `pause` is the mean time from one request to the next, in seconds; a late one is made up for.
    """
    reader, writer = await asyncio.open_connection(host, port)
    latencies, due = [], time.perf_counter()
    while (began := time.perf_counter()) < until:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 2"):
            raise SystemExit(f"not answered with success: {head[:200]!r}")
        await reader.readexactly(length_of(head))
        if began >= counted_from:
            latencies.append(time.perf_counter() - began)
        if pause:
            due += pause
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
    writer.close()
    return latencies


def length_of(head: bytes) -> int:
    """The Content-Length of an answer."""
    lower = head.lower()
    start = lower.index(b"content-length:") + 15
    return int(lower[start : lower.index(b"\r\n", start)])


async def load(host: str, port: int, request: bytes, connections: int, seconds: float, rate: float) -> dict[str, float]:
    """Run the whole load."""
    now = time.perf_counter()
    until = now + WARM_UP + seconds
    pause = connections / rate if rate else 0.0
    all_of_them = [connection(host, port, request, until, now + WARM_UP, pause) for _ in range(connections)]
    latencies = sorted(latency for one in await asyncio.gather(*all_of_them) for latency in one)
    return {
        "requests_per_s": round(len(latencies) / seconds, 1),
        "p50_ms": round(latencies[len(latencies) // 2] * 1000, 2),
        "p99_ms": round(latencies[int(len(latencies) * 0.99)] * 1000, 2),
    }


if __name__ == "__main__":
    host, port, request_file, connections, seconds, rate = sys.argv[1:]
    content = Path(request_file).read_bytes()
    print(json.dumps(asyncio.run(load(host, int(port), content, int(connections), float(seconds), float(rate)))))
