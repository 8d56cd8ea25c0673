"""What the queue's import brings along, each time in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def printed(code: str, *paths: Path) -> str:
    places = "".join(f"sys.path.insert(0, {str(path)!r});" for path in paths)
    command = [sys.executable, "-W", "error", "-c", f"import sys;{places}{code}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_taskiq_comes_without_its_http_client():
    code = "import flowrun.queue.local_broker; print([m for m in ('taskiq', 'aiohttp') if m in sys.modules])"
    assert printed(code) == "['taskiq']"


def test_whoever_needs_the_http_client_afterwards_gets_it():
    code = "import flowrun.queue, aiohttp; print(aiohttp.ClientSession.__name__, aiohttp.__version__[0].isdigit())"
    assert printed(code) == "ClientSession True"


def test_it_stays_as_it_is_where_it_was_imported_before():
    code = "import aiohttp; before = aiohttp; import flowrun.queue; print(sys.modules['aiohttp'] is before)"
    assert printed(code) == "True"


def test_a_library_that_cannot_do_without_is_imported_as_usual(tmp_path: Path):
    (tmp_path / "needed.py").write_text("SIZE = 3\n")
    (tmp_path / "needing").mkdir()
    (tmp_path / "needing" / "__init__.py").write_text("from needing import part\n")
    (tmp_path / "needing" / "part.py").write_text("import needed\nSQUARE = needed.SIZE + 6\n")
    code = (
        "from flowrun.queue.lean_import import import_without; import_without('needed', 'needing');"
        "print(sys.modules['needing'].part.SQUARE)"
    )
    assert printed(code, tmp_path) == "9"
