"""Addresses that outbound calls may and may not reach."""

from __future__ import annotations

import pytest
from support.recording_server import response

from flowrun.domain.definition import NodeDefinition
from flowrun.domain.node_type import Completed
from flowrun.errors import ConfigurationError, InvalidInputError
from flowrun.nodes.address_guard import AddressGuard
from flowrun.nodes.http_backend import GuardedBackend
from flowrun.nodes.http_client import HttpClient
from flowrun.nodes.http_errors import AddressRefusedError, HttpConnectionError
from flowrun.nodes.registry import builtin_types

REFUSED = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3",  # noqa: S104
    "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.169.254", "169.254.0.1", "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.2.1", "198.18.0.1",
    "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::1",
    "2002:a00:1::", "2001:db8::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%1", "fec0::1", "ff02::1",
    "::ffff:168.63.129.16",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "1.1.1.1", "93.184.216.34", "168.63.129.15", "2606:4700::1111", "::ffff:8.8.8.8", "172.32.0.1"]


@pytest.mark.parametrize("address", REFUSED)
def test_special_addresses_are_refused(address):
    assert AddressGuard().refusal(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_not(address):
    assert AddressGuard().refusal(address) is None


def test_the_allow_list():
    guard = AddressGuard(["10.1.0.0/16", " 127.0.0.1 ", "[::1]", "fd00::/8", "Intranet", "*.corp.example"])
    for address in ("10.1.2.3", "127.0.0.1", "::1", "fd00::5", "::ffff:10.1.2.3"):
        assert guard.refusal(address) is None, address
    for address in ("10.2.0.1", "127.0.0.2", "169.254.169.254"):
        assert guard.refusal(address), address
    for host in ("intranet", "INTRANET.", "a.corp.example", "a.b.corp.example"):
        assert guard.allows_host(host), host
    for host in ("corp.example", "xcorp.example", "intranet.example", ""):
        assert not guard.allows_host(host), host
    assert not AddressGuard().allows_host("anything")


@pytest.mark.parametrize("entry", ["300.1.1.1", "a b", "http://x", "10.0.0.0/99", "*", "a:80", ""])
def test_the_allow_list_refuses_nonsense(entry):
    with pytest.raises(ConfigurationError, match="FLOWRUN_HTTP_ALLOW"):
        AddressGuard([entry])


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "[::1]", "[::ffff:127.0.0.1]", "0"]
)
async def test_every_spelling_of_loopback_is_refused(server, call, host):
    client = HttpClient()
    outcome = await call(client, url=f"http://{host}:{server.port}/")
    await client.aclose()
    assert (outcome.type, outcome.retryable) == ("address_refused", False)
    assert "FLOWRUN_HTTP_ALLOW=" in outcome.message
    assert server.connections == 0


@pytest.mark.parametrize("host", ["0177.0.0.1", "①②⑦.0.0.1", "127.0.0.1%2f", "[fe80::1%25lo]", "127。0。0。1"])
async def test_odd_spellings_do_not_arrive(server, call, host):
    client = HttpClient()
    outcome = await call(client, url=f"http://{host}:{server.port}/")
    await client.aclose()
    assert outcome.type in {"address_refused", "invalid_request", "connection_error"}
    assert server.connections == 0


async def test_a_host_may_be_allowed_by_name(server, call):
    server.answers["/"] = response()
    client = HttpClient(["localhost"])
    assert isinstance(await call(client, url=f"http://localhost:{server.port}/"), Completed)
    assert (await call(client, url=f"http://127.0.0.1:{server.port}/")).type == "address_refused"
    await client.aclose()
    assert server.requests[0].headers["host"] == f"localhost:{server.port}"


async def test_proxies_of_the_environment_are_ignored(server, call, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    server.answers["/"] = response()
    assert isinstance(await call(url=server.url), Completed)


class FixedNames(GuardedBackend):
    """Resolves every name to the same addresses."""

    addresses: tuple[str, ...] = ()

    async def _resolve(self, host, port):  # noqa: ARG002
        return list(self.addresses)


async def test_one_refused_address_refuses_the_name(server):
    backend = FixedNames(AddressGuard())
    backend.addresses = ("93.184.216.34", "10.0.0.1")
    with pytest.raises(AddressRefusedError, match=r"rebind\.example \(10\.0\.0\.1\)"):
        await backend.connect_tcp("rebind.example", server.port)


async def test_the_next_address_is_tried(server):
    backend = FixedNames(AddressGuard(["127.0.0.0/8"]))
    backend.addresses = ("127.0.0.9", "127.0.0.1")
    stream = await backend.connect_tcp("two.example", server.port)
    assert stream.get_extra_info("server_addr")[0] == "127.0.0.1"
    await stream.aclose()
    backend.addresses = ("127.0.0.9",)
    with pytest.raises(HttpConnectionError, match=r"can't connect to two\.example"):
        await backend.connect_tcp("two.example", server.port)


@pytest.mark.parametrize(
    ("params", "path"),
    [
        ({"url": "ftp://x"}, "url"), ({"url": "x"}, "url"), ({"url": 5}, "url"), ({"url": "http://u:p@x/"}, "url"),
        ({"url": "http://" + "x" * 9000}, "url"), ({"method": "CONNECT"}, "method"), ({"method": "GE T"}, "method"),
        ({"method": ""}, "method"), ({"headers": {"Host": "x"}}, "headers"), ({"headers": {"X": "a\nb"}}, "headers"),
        ({"headers": {"Transfer-Encoding": "x"}}, "headers"), ({"query": {"a": {}}}, "query"),
        ({"query": "a=b"}, "query"),
        ({"auth": {"type": "digest"}}, "auth"), ({"auth": {"token": "x"}}, "auth"),
        ({"auth": {"type": "bearer", "token": ""}}, "auth.token"),
        ({"auth": {"type": "bearer", "token": "hush\r\nX: y"}}, "auth.token"),
        ({"auth": {"type": "header", "name": "a b", "value": "hush"}}, "auth.name"),
        ({"timeout": 0}, "timeout"), ({"timeout": "2h"}, "timeout"), ({"expect_status": []}, "expect_status"),
        ({"expect_status": [99]}, "expect_status"), ({"expect_status": "300-200"}, "expect_status"),
        ({"expect_status": True}, "expect_status"), ({"follow_redirects": "maybe"}, "follow_redirects"),
    ],
)  # fmt: skip
def test_http_params_are_refused(params, path):
    node_type = builtin_types().get("http")
    params = {"url": "http://example.com"} | params
    with pytest.raises(InvalidInputError) as raised:
        node_type.check(params)
    assert [issue.path for issue in raised.value.issues] == [path]
    assert "hush" not in str(raised.value)
    assert [issue.path for issue in node_type.issues(NodeDefinition("n", "http", params=params))] == [path]
