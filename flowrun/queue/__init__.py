"""The job queue on taskiq: one broker per worker, and the one task that runs a node."""
