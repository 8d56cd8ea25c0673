"""The job queue on taskiq: one broker per worker, and the one task that runs a node."""

from flowrun.queue.lean_import import import_without

# One of taskiq's middlewares tells an admin page what happens, over aiohttp: 9 MB, and a tenth of the time to start.
import_without("aiohttp", "taskiq")
