"""A package with node types of its own, in a real process: built, installed, used, broken, taken away."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from e2e.client import Api, until
from e2e.stubborn import installed
from support.service import Service
from support.stand_in import StandIn

EXAMPLE = Path(__file__).parents[2] / "examples" / "plugin"
BUILD = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
BROKEN = {
    "unloadable": ("gone", "no_such_module_anywhere:Gone", "can't be loaded: ModuleNotFoundError"),
    "greedy": ("http", "flowrun.nodes.types.http:Http", "two node types are named 'http'"),
    "function": ("shout", "flowrun_text.slugify:_joined", "not a subclass of"),
}
"""Package → the name of its entry point, where that leads, and what is said of it."""
STUBBORN = """
id: stubborn
name: Stubborn
nodes: [{ id: go, type: manual }, { id: stay, type: stubborn, params: { file: "{{ input.file }}" } }]
edges: [go -> stay]
"""
CALL = """
id: call
name: Call
nodes: [{ id: go, type: manual }, { id: ask, type: http, params: { url: "{{ input.url }}" } }]
edges: [go -> ask]
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A directory of packages with the example in it: a wheel of Python alone is installed by being unpacked."""
    folder = tmp_path_factory.mktemp("p")
    source = shutil.copytree(EXAMPLE, folder / "plugin")
    build = [sys.executable, "-c", BUILD, str(folder)]
    wheel = subprocess.run(build, cwd=source, capture_output=True, text=True, check=True).stdout.split()[-1]
    with zipfile.ZipFile(folder / wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def spoil(site, folder):
    """The packages of `site`, with some beside them that can't be used."""
    spoilt = shutil.copytree(site, folder / "spoilt")
    for package, (name, value, _) in BROKEN.items():
        info = spoilt / f"{package}-0.1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 0.1\n")
        (info / "entry_points.txt").write_text(f"[flowrun.nodes]\n{name} = {value}\n")
    return spoilt


def service_with(site, folder, *, fresh=False):
    service = Service(folder / "data", fresh=fresh, http_allow="127.0.0.1", shutdown_grace="1")
    service.variables["PYTHONPATH"] = str(site)
    return service


def release(service, *, url, check=True):
    given = json.dumps({"title": "Crème brûlée", "url": url})
    return service.flowrun("start", "release", "--wait", "--input", given, "-o", "json", check=check)


def test_its_own_tests_pass(site):
    env = {**os.environ, "PYTHONPATH": str(site)}
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(EXAMPLE / "tests")]
    done = subprocess.run(run, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_its_types_are_types_like_others(site, tmp_path):
    with StandIn() as shop, service_with(site, tmp_path, fresh=True) as service:
        listed = json.loads(service.flowrun("nodes", "list", "-o", "json").stdout)
        kinds = {one["type"]: (one["kind"], one["worker"]) for one in listed}
        assert (kinds["slugify"], kinds["checksum"]) == (("engine", None), ("worker", "webhook"))
        assert "blake2b" in service.flowrun("nodes", "show", "checksum", "-o", "json").stdout
        service.flowrun("validate", str(EXAMPLE / "release.yaml"))
        service.flowrun("apply", str(EXAMPLE / "release.yaml"))
        execution = json.loads(release(service, url=f"{shop.url}/file").stdout)
        expected = hashlib.sha256(b'{"ok": true}').hexdigest()
        assert execution["output"] == {"page": "/releases/creme-brulee", "sha256": expected}


def test_what_cannot_be_used_is_told_and_takes_nothing_down(site, tmp_path):
    with StandIn() as shop, service_with(spoil(site, tmp_path), tmp_path) as service:
        listed = service.flowrun("nodes", "list", "-o", "json")
        assert {"http", "slugify", "checksum"} <= {one["type"] for one in json.loads(listed.stdout)}
        for told in (listed.stderr, service.log.read_text()):
            for package, (name, _, said) in BROKEN.items():
                (line,) = [line for line in told.splitlines() if f"{package} 0.1" in line]
                assert f"The node type plugin '{name}' of {package} 0.1 is left out" in line
                assert said in line
        service.flowrun("apply", str(EXAMPLE / "release.yaml"))
        assert json.loads(release(service, url=f"{shop.url}/file").stdout)["status"] == "completed"


def test_a_plugin_that_is_taken_away_in_the_middle_of_an_execution_can_come_back(site, tmp_path):
    with StandIn() as shop, service_with(site, tmp_path) as service:
        shop.hold("/file")
        service.flowrun("apply", str(EXAMPLE / "release.yaml"))
        given = json.dumps({"title": "Title", "url": f"{shop.url}/file"})
        started = service.flowrun("start", "release", "--input", given, "-o", "json").stdout
        execution_id = json.loads(started)["execution_id"]
        service.stop()
        service.variables.clear()
        service.start()  # It comes up without it, and serves others.
        refused = service.flowrun("validate", str(EXAMPLE / "release.yaml"), check=False)
        assert refused.returncode == 1
        assert "slugify" in refused.stderr + refused.stdout
        shown = json.loads(service.flowrun("executions", "show", execution_id, "-o", "json").stdout)
        assert shown["status"] in {"running", "waiting"}
        service.stop()
        shop.release("/file")
        service.variables["PYTHONPATH"] = str(site)
        service.start()
        service.flowrun("executions", "watch", execution_id)
        shown = json.loads(service.flowrun("executions", "show", execution_id, "-o", "json").stdout)
        assert (shown["status"], shown["output"]["page"]) == ("completed", "/releases/title")


def test_what_cannot_be_read_any_more_holds_up_nobody_else_at_a_start(tmp_path):
    plugin = installed(tmp_path / "plugin")
    with StandIn() as shop, service_with(plugin, tmp_path) as service:
        with service.operator() as client:
            api = Api(client)
            api.save(STUBBORN)
            api.save(CALL)
            stubborn = api.start("stubborn", {"file": str(tmp_path / "never")})
            until("it runs", lambda: api.nodes(stubborn)["stay"]["status"] == "running")
            api.command(stubborn, "cancel").raise_for_status()
            api.reaches(stubborn, "cancelling")
            shop.hold("/file")
            call = api.start("call", {"url": f"{shop.url}/file"})
            until("it has called", lambda: shop.called("/file"))
        service.kill()
        shop.release("/file")
        service.variables.clear()
        service.start()
        with service.operator() as client:
            assert Api(client).ends(call)["status"] == "completed"
            assert Api(client).execution(stubborn)["status"] == "cancelling"
        service.stop()
        service.variables["PYTHONPATH"] = plugin
        service.start()
        with service.operator() as client:
            assert Api(client).ends(stubborn)["status"] == "cancelled"
