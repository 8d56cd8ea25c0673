"""Workflow definitions in and out: every accepted shape in, YAML, JSON and Mermaid out."""

from flowrun.formats.document import read_document
from flowrun.formats.duration import format_duration, parse_duration
from flowrun.formats.export import to_document, to_json, to_yaml
from flowrun.formats.mermaid import to_mermaid
from flowrun.formats.workflow import ReadResult, read_workflow

__all__ = [
    "ReadResult",
    "format_duration",
    "parse_duration",
    "read_document",
    "read_workflow",
    "to_document",
    "to_json",
    "to_mermaid",
    "to_yaml",
]
