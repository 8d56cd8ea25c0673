"""Reads workflow files for the commands that work on them."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from flowrun.errors import FlowrunError, Issue, NotFoundError

if TYPE_CHECKING:
    from flowrun.domain.definition import WorkflowDefinition
    from flowrun.formats.cases import Case
    from flowrun.nodes.registry import NodeRegistry

SUFFIXES = (".yaml", ".yml", ".json")
_DASH, _STDIN = Path("-"), Path("standard input")
_NO_CASES: tuple[Case, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkflowFile:
    """A file, and what it says."""

    path: Path
    content: bytes
    definition: WorkflowDefinition | None
    issues: tuple[Issue, ...]
    states_status: bool = False
    """Whether it says draft, published or archived; else the service keeps what it has."""
    cases: tuple[Case, ...] = ()
    """Its test cases."""

    @property
    def media_type(self) -> str:
        """What the service is told that the content is."""
        return "application/json" if self.path.suffix == ".json" else "application/yaml"


def read_files(paths: Iterable[Path]) -> list[WorkflowFile]:
    """Read and validate files; a directory stands for the workflow files in it. Raises `NotFoundError`."""
    return [read_file(path) for path in _expanded(paths)]


@cache
def node_types() -> NodeRegistry:
    """Those that are installed here; what is wrong with a plugin is told once, however many files there are."""
    from flowrun.nodes.registry import builtin_types  # noqa: PLC0415

    return builtin_types().with_plugins()


def read_file(path: Path) -> WorkflowFile:
    """Read and validate a file, `-` is standard input; what is wrong with it is in its issues."""
    from flowrun.domain.validate import validate  # noqa: PLC0415 - the parts that only workflow files need
    from flowrun.formats import read_document, read_workflow  # noqa: PLC0415
    from flowrun.formats.read_cases import read_cases  # noqa: PLC0415

    path = _STDIN if path == _DASH else path
    content = b""
    try:
        content = sys.stdin.buffer.read() if path is _STDIN else path.read_bytes()
        document = read_document(content)
    except OSError as error:
        return WorkflowFile(path, content, None, (Issue("", f"cannot be read: {error.strerror or error}"),))
    except FlowrunError as error:
        return WorkflowFile(path, content, None, (Issue("", str(error)),))
    read = read_workflow(document, default_id=None if path is _STDIN else path.stem)
    issues, cases = list(read.issues), _NO_CASES
    if read.definition is not None:
        issues += validate(read.definition, node_types())
        tests = read_cases(document, read.definition, node_types())
        issues, cases = [*issues, *tests.issues], tests.cases
    inner = document.get("workflow")
    states_status = "status" in document or (isinstance(inner, dict) and "status" in inner)
    return WorkflowFile(path, content, read.definition, tuple(issues), states_status, cases)


def require_valid(files: Iterable[WorkflowFile]) -> list[tuple[WorkflowFile, WorkflowDefinition]]:
    """Give each file with its definition. Raises `InvalidInputError` with every issue of every file."""
    from flowrun.errors import InvalidInputError  # noqa: PLC0415

    valid, issues = [], []
    for file in files:
        issues += [Issue(_place(file, issue), issue.message, issue.suggestion) for issue in file.issues]
        if file.definition is not None:
            valid.append((file, file.definition))
    if issues:
        raise InvalidInputError("Not valid, so nothing was done:", issues)
    return valid


def _place(file: WorkflowFile, issue: Issue) -> str:
    return f"{file.path}: {issue.path}" if issue.path else str(file.path)


def _expanded(paths: Iterable[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(file for file in path.iterdir() if file.suffix in SUFFIXES and file.is_file())
        if not inside:
            raise NotFoundError(f"There is no workflow file ({', '.join(SUFFIXES)}) in {path}")
        found += inside
    return found
