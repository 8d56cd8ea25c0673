"""flowrun: a workflow execution service in one process, with nothing accepted ever lost."""

__version__ = "0.1.0"
