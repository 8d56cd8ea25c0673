"""The HTTP API: the only place that knows Starlette and hypercorn."""
