"""The `auth` param: every scheme, secrets by name only, everything wrong told at once."""

from __future__ import annotations

import pytest

from flowrun.domain.definition import NodeDefinition
from flowrun.nodes.registry import builtin_types
from flowrun.nodes.webhook_auth import SCHEMES
from flowrun.triggers import verification
from flowrun.triggers.providers import PROVIDERS

WEBHOOK = builtin_types().get("webhook")
MORE = {
    "basic": {"username": "shop"},
    "hmac": {"header": "X-Signature"},
    "meta": {"verify_token": "{{ secrets.VERIFY }}"},
}


def issues(auth):
    node = NodeDefinition(id="n", type="webhook", params={"path": "a", "auth": auth})
    return {issue.path: issue.message for issue in WEBHOOK.issues(node)}


def checked(auth):
    return WEBHOOK.check({"path": "a", "auth": auth})["auth"]


def test_the_param_has_the_schemes_that_are_verified():
    assert set(SCHEMES) == set(verification.SCHEMES)


def test_the_param_has_the_providers_that_are_normalised():
    for provider in PROVIDERS:
        assert WEBHOOK.check({"path": "a", "auth": "none", "provider": provider})["provider"] == provider


@pytest.mark.parametrize("scheme", SCHEMES)
def test_one_secret_or_two(scheme):
    more = MORE.get(scheme, {})
    one = checked({"type": scheme, "secret": "{{secrets.A}}", **more})
    assert one["secrets"] == ["A"]
    assert checked(one) == one
    assert checked({"type": scheme, "secrets": ["A", "{{ secrets.B }}"], **more})["secrets"] == ["A", "B"]
    assert list(issues({"type": scheme, "secrets": ["A", "B", "C"], **more})) == ["auth.secrets"]
    assert "lacks its secret" in issues({"type": scheme, **more})["auth"]
    assert "not both" in issues({"type": scheme, "secret": "{{ secrets.A }}", "secrets": ["B"], **more})["auth"]


@pytest.mark.parametrize("literal", ["s3cret", "whsec_abc", "x {{ secrets.A }}", "{{ secrets.A + 'x' }}", 7, ""])
def test_a_secret_itself_is_refused_and_not_repeated(literal):
    found = issues({"type": "github", "secret": literal})
    assert "definitions can be read" in found["auth.secret"]
    assert not literal or str(literal) not in found["auth.secret"]


def test_everything_wrong_is_told_at_once():
    auth = {"type": "hmac", "secrets": ["not a name"], "header": "a b", "algorithm": "md5", "tolerance": 0, "x": 1}
    assert set(issues(auth)) == {
        "auth.secrets[0]", "auth.header", "auth.algorithm", "auth.tolerance", "auth.x",
    }  # fmt: skip
    assert "'none', 'bearer'" in issues({"type": "gihub"})["auth"]
    assert "needs a 'type'" in issues({})["auth"]


def test_what_is_signed_has_the_body_and_a_time_that_is_checked():
    base = {"type": "hmac", "secrets": ["A"], "header": "X-Sig"}
    assert checked(base)["payload"] == "{body}"
    assert checked({**base, "timestamp_header": "X-Time"})["payload"] == "{timestamp}.{body}"
    assert "payload" in issues({**base, "payload": "{timestamp}"})["auth"]
    assert "timestamp_header" in issues({**base, "payload": "{timestamp}.{body}"})["auth"]
    assert "timestamp_header" in issues({**base, "payload": "{body}", "timestampHeader": "X-Time"})["auth"]


def test_rate_limits():
    node = NodeDefinition(
        id="n", type="webhook", params={"path": "a", "auth": "none", "rate_limit": {"per_second": 0, "brst": 1}}
    )
    assert {issue.path for issue in WEBHOOK.issues(node)} == {"rate_limit.per_second", "rate_limit.brst"}
    limit = WEBHOOK.check({"path": "a", "auth": "none", "rateLimit": {"perSecond": 0.5}})["rate_limit"]
    assert limit == {"per_second": 0.5, "burst": None}
