"""`flowrun dashboard --web`: who gets in, what a page shows, and what ends with what."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from base64 import b64encode
from hashlib import sha256
from os import kill
from pathlib import Path

import httpx2
import pytest
from aiohttp import WSCloseCode
from e2e.client import until
from support.web import arguments, background, gone, variables, web

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up there")

WEBSOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.fixture(scope="module")
def served(service, api, tmp_path_factory):  # noqa: ARG001 - the workflows of `api` are what it shows
    with web(service.env, tmp_path_factory.mktemp("w") / "errors") as served:
        yield served


@pytest.mark.parametrize(
    "path",
    ["/", "/?token=wrong", "/?token=", "/?token=%ff%ed%a0%80", "/ws", "/static/js/textual.js", "/download/x", "/no"],
)
def test_without_the_link_nothing_is_served(served, path):
    answer = served.get(path)
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("text/plain")
    assert "`flowrun dashboard --web`" in answer.text
    assert "set-cookie" not in answer.headers


def test_the_link_gives_a_cookie_and_leaves_the_address(served):
    token = served.link.partition("token=")[2]
    answer = served.get(f"/?token={token}")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"
    cookie, *attributes = answer.headers["set-cookie"].split("; ")
    assert sorted(attributes) == ["HttpOnly", "Path=/", "SameSite=Strict"], "it ends with the browser"
    assert token not in cookie
    assert served.get(Cookie=cookie).status_code == 200
    assert served.get("/static/js/textual.js", Cookie=cookie).status_code == 200
    assert served.get(Cookie=cookie + "x").status_code == 401


def test_a_link_in_the_page_of_another_site_opens_it_too(served):
    answer = served.get(served.link.removeprefix(served.address), **{"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 200, "after a redirect the browser would keep the cookie to itself"
    assert answer.headers["refresh"] == "0; url=/"
    assert served.get(Cookie=answer.headers["set-cookie"].partition(";")[0]).status_code == 200


def test_a_cookie_that_is_no_text_is_a_wrong_one(served):
    name = served.cookie().partition("=")[0]
    answer = httpx2.get(served.address, headers={b"Cookie": name.encode() + b"=\xff\xfe"}, trust_env=False)
    assert answer.status_code == 401


def test_a_name_that_was_made_to_point_here_is_refused(served):
    token = served.link.removeprefix(served.address)
    cookie = served.cookie()
    for host in ("evil.example", f"evil.example:{served.address.rpartition(':')[2]}", "[", "192.0.2.1", ""):
        assert served.get(token, Host=host).status_code == 403, host
        assert served.get(Host=host, Cookie=cookie).status_code == 403, host


def test_a_tunnel_from_another_port_is_served(served):
    answer = served.get(Host="localhost:9000", Cookie=served.cookie())
    assert answer.status_code == 200
    assert "ws://localhost:9000/ws" in answer.text


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:1", "https://{own}", "null", None])
def test_a_websocket_of_another_page_is_refused(served, origin):
    own = served.address.removeprefix("http://")
    headers = WEBSOCKET | {"Cookie": served.cookie()} | ({"Origin": origin.format(own=own)} if origin else {})
    assert served.get("/ws", **headers).status_code == 403


def test_a_websocket_without_the_cookie_is_refused(served):
    assert served.get("/ws", **WEBSOCKET, Origin=served.address).status_code == 401


def test_the_page_loads_nothing_from_elsewhere(served):
    page = served.get(Cookie=served.cookie())
    loaded = re.findall(r'(?:href|src)="([^"]*)"|url\("([^"]*)"\)', page.text)
    assert all((one or other).startswith(("/", "data:,")) for one, other in loaded), loaded
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert set(re.findall(r"\w+://\S+", policy)) == {served.address.replace("http", "ws")}
    for script in re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL):
        assert b64encode(sha256(script.encode()).digest()).decode() in policy


async def test_a_page_shows_the_dashboard_and_obeys_keys(served):
    async with served.page() as page:
        await page.shows("Executions")
        await page.shows("steps")
        [dashboard] = served.dashboards()
        await page.keys("?")
        await page.shows("pause: start no new node")
        await page.keys("q")
        await page.keys("q")
        await page.closed()
    gone(dashboard)


async def test_the_dashboard_has_the_keyboard_from_the_beginning(served, api):
    api.start("quick")
    async with served.page() as page:
        await page.shows(background("cursor-line"))


async def test_a_dashboard_ends_with_its_page_alone(served):
    async with served.page() as stays:
        await stays.shows("Executions")
        [one] = served.dashboards()
        async with served.page() as goes:
            await goes.shows("Executions")
            [other] = set(served.dashboards()) - {one}
        gone(other)
        assert served.dashboards() == [one]
    gone(one)


async def test_a_page_is_told_that_its_dashboard_has_died(served):
    async with served.page() as page:
        await page.shows("Executions")
        [dashboard] = served.dashboards()
        kill(dashboard, signal.SIGKILL)
        await page.closed()


async def test_ctrl_c_ends_all_and_only_the_link_was_printed(service, tmp_path):
    with web(service.env, tmp_path / "errors") as served:
        async with served.page() as page:
            await page.shows("Executions")
            [dashboard] = served.dashboards()
            assert served.end() == 0
            assert await page.closed() == WSCloseCode.GOING_AWAY
        gone(dashboard)
        assert served.process.stdout.read() == ""
        assert served.errors == "Open the link in a browser. Ctrl+C ends the dashboard in every browser.\n"


async def test_ctrl_c_ends_a_dashboard_that_is_stuck(service, tmp_path):
    with web(service.env, tmp_path / "errors") as served:
        async with served.page() as page:
            await page.shows("Executions")
            [dashboard] = served.dashboards()
            kill(dashboard, signal.SIGSTOP)
            assert served.end(signal.SIGTERM) == 0
        gone(dashboard)


async def test_a_dashboard_does_not_outlive_a_server_that_was_killed(service, tmp_path):
    with web(service.env, tmp_path / "errors") as served:
        async with served.page() as page:
            await page.shows("Executions")
            [dashboard] = served.dashboards()
            served.end(signal.SIGKILL)
        gone(dashboard)


async def test_the_key_and_the_token_are_in_no_arguments(service, api, tmp_path):
    key = api.client.post("/api/v1/keys", json={"name": "web", "scopes": ["read"]}).json()["key"]
    key_file = tmp_path / "key"
    key_file.write_text(key)
    env = service.env | {"FLOWRUN_WEB_TOKEN": "of my own choice & fixed"}
    del env["FLOWRUN_SOCKET"]
    options = ("--url", service.url, "--key-file", str(key_file), "--tenant", "default", "--readonly", "--ascii")
    with web(env, tmp_path / "errors", *options) as served:
        assert served.link.endswith("/?token=of%20my%20own%20choice%20%26%20fixed")
        async with served.page() as page:
            await page.shows("steps")
            [dashboard] = served.dashboards()
            given = arguments(dashboard)
            assert given[-4:] == [f"--url={service.url}", "--tenant=default", "--readonly", "--ascii"]
            assert key not in "".join(given + arguments(served.process.pid))
            assert "FLOWRUN_WEB_TOKEN" not in variables(dashboard)


def test_a_short_token_is_refused(service):
    service.variables["FLOWRUN_WEB_TOKEN"] = "fifteen letters"
    try:
        done = service.flowrun("dashboard", "--web", check=False)
    finally:
        del service.variables["FLOWRUN_WEB_TOKEN"]
    assert done.returncode == 2
    assert "FLOWRUN_WEB_TOKEN has 15 characters" in done.stderr


def test_other_machines_get_in_only_when_asked_for_and_with_a_warning(service, tmp_path):
    with web(service.env, tmp_path / "errors", "--web-host", "0.0.0.0") as served:  # noqa: S104 - what is tested
        until("the hint is printed", lambda: "Open the link" in served.errors)
        assert "not encrypted" in served.errors
        assert served.link.startswith("http://127.0.0.1:")
        cookie = served.cookie()
        for host in ("192.0.2.1:80", "[2001:db8::1]", socket.gethostname(), "localhost"):
            assert served.get(Host=host, Cookie=cookie).status_code == 200, host
        assert served.get(Host="evil.example", Cookie=cookie).status_code == 403


def test_ipv6_is_served(service, tmp_path):
    with web(service.env, tmp_path / "errors", "--web-host", "::1") as served:
        assert served.link.startswith("http://[::1]:")
        assert served.get(Cookie=served.cookie()).status_code == 200
        assert "Warning" not in served.errors


def test_a_port_in_use_is_said(served, service):
    done = service.flowrun("dashboard", "--web", "--web-port", served.address.rpartition(":")[2], check=False)
    assert done.returncode == 2
    assert "--web cannot listen on 127.0.0.1, port" in done.stderr


def test_an_address_without_web_is_a_mistake(service):
    done = service.flowrun("dashboard", "--web-port", "9000", check=False)
    assert done.returncode == 2
    assert "belong to --web" in done.stderr


def test_without_the_library_it_says_how_to_get_it(service):
    without = "import sys; sys.modules['textual_serve'] = None; from flowrun.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", without, "dashboard", "--web"],
        env=service.env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "Error: --web needs the library textual_serve: pip install 'flowrun[web]'\n"


def test_without_a_service_there_is_no_link(service, tmp_path):
    done = service.flowrun("dashboard", "--web", "--socket", str(tmp_path / "none"), check=False)
    assert done.returncode == 3
    assert done.stdout == ""
