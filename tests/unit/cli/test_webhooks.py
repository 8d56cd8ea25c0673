"""`flowrun webhooks`: what is shown, what is asked for."""

from __future__ import annotations

import json

BASE = "/api/v1/tenants/acme/webhooks"
WEBHOOK = {
    "id": "w1", "workflow_id": "orders", "status": "active", "auth": "github", "methods": ["POST"],
    "url": "/webhooks/acme/orders", "last_triggered_at": None,
}  # fmt: skip
DELIVERY = {
    "id": "d1", "received_at": "2026-11-22T10:00:00Z", "outcome": "refused", "event_type": "request",
    "execution_id": None, "reason": "the header x-hub-signature-256 is missing",
}  # fmt: skip
REQUEST = {
    "method": "POST", "path": "orders/7", "headers": {"x-evil": "a\x1b[2J"}, "query": {}, "body": {"n": 1},
    "problem": None, "event": {"provider": "github", "event_type": "push", "customer_id": None, "data": {}},
    "idempotency_key": "k", "signed_for": ["github"], "received_at": "2026-11-22T10:00:00Z",
}  # fmt: skip


def test_webhooks_are_listed(run, service):
    service.on("GET", BASE, (200, {"items": [WEBHOOK], "next": None}))
    line = run("webhooks", "list", "-t", "acme").output.splitlines()[1]
    assert line.split() == ["w1", "orders", "active", "github", "POST", "/webhooks/acme/orders"]


def test_a_workflow_names_its_only_webhook(run, service):
    service.on("GET", BASE, (200, {"items": [WEBHOOK], "next": None}))
    service.on("GET", f"{BASE}/w1/deliveries", (200, {"items": [DELIVERY], "next": None}))
    assert "the header x-hub-signature-256 is missing" in run("webhooks", "deliveries", "orders", "-t", "acme").output
    assert "workflow=orders" in service.asked[0]["query"]


def test_deliveries_are_listed_by_outcome(run, service):
    service.on("GET", BASE, (200, {"items": [], "next": None}))
    service.on("GET", f"{BASE}/w1/deliveries", (200, {"items": [DELIVERY], "next": None}))
    result = run("webhooks", "deliveries", "w1", "-t", "acme", "--outcome", "refused", "--outcome", "failed")
    assert "the header x-hub-signature-256 is missing" in result.output
    assert "outcome=refused%2Cfailed" in service.asked[1]["query"]


def test_a_delivery_is_repeated(run, service):
    path = f"{BASE}/w1/deliveries/d1/redeliver"
    answer = {"event_id": "d2", "outcome": "started", "execution_id": "e1"}
    service.on("GET", BASE, (200, {"items": [], "next": None}), (200, {"items": [], "next": None}))
    service.on("POST", path, (202, answer), (202, {**answer, "execution_id": None, "outcome": "filtered"}))
    assert run("webhooks", "redeliver", "w1", "d1", "-t", "acme").output == "Started e1\n"
    assert "nothing was started" in run("webhooks", "redeliver", "w1", "d1", "-t", "acme").output


def test_listening_asks_again_until_a_request_comes(run, service):
    service.on("POST", f"{BASE}:listen", (200, {"delivery": None}), (200, {"delivery": REQUEST}))
    result = run("webhooks", "listen", "orders/{id}", "--method", "POST", "-t", "acme")
    assert result.stderr.startswith("Waiting for a request to /webhooks/acme/orders/{id}")
    assert "POST orders/7" in result.stdout
    assert "signed for: github (not checked)" in result.stdout
    assert "\x1b[2J" not in result.stdout
    asked = json.loads(service.asked[0]["body"])
    assert (asked["path"], asked["methods"], asked["timeout"]) == ("orders/{id}", ["POST"], 50.0)


def test_nobody_came(run, service):
    service.on("POST", f"{BASE}:listen", (200, {"delivery": None}))
    result = run("webhooks", "listen", "orders", "--timeout", "0.05", "-t", "acme")
    assert result.exit_code == 1
    assert "No request came" in result.stderr
