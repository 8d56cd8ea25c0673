"""Published examples: signatures that the schemes' owners computed."""

from __future__ import annotations

import pytest

from flowrun.triggers.verification import SCHEMES, SignedRequest, WebhookRefusedError

SLACK_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
VECTORS = [
    pytest.param(
        "standard_webhooks",
        b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        b'{"test": 2432232314}',
        {
            "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "webhook-timestamp": "1614265330",
            "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        },
        1614265330,
        id="standard webhooks",
    ),
    pytest.param(
        "github",
        b"It's a Secret to Everybody",
        b"Hello, World!",
        {"x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
        0,
        id="github",
    ),
    pytest.param(
        "slack",
        b"8f742231b10e8888abcd99yyyzzz85a5",
        SLACK_BODY,
        {
            "x-slack-request-timestamp": "1531420618",
            "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
        },
        1531420618,
        id="slack",
    ),
]


@pytest.mark.parametrize(("scheme", "secret", "body", "headers", "at"), VECTORS)
def test_a_published_example_passes(scheme, secret, body, headers, at):
    SCHEMES[scheme](SignedRequest(body, headers, {}, at + 299), [secret], {})
    with pytest.raises(WebhookRefusedError):
        SCHEMES[scheme](SignedRequest(body + b"\n", headers, {}, at), [secret], {})


def test_svix_names_its_headers_otherwise():
    (_, secret, body, headers, at) = VECTORS[0].values
    svix = {name.replace("webhook", "svix"): value for name, value in headers.items()}
    SCHEMES["standard_webhooks"](SignedRequest(body, svix, {}, at), [secret], {})


def test_one_right_signature_among_others_is_enough_within_bounds():
    (_, secret, body, headers, at) = VECTORS[0].values
    right = headers["webhook-signature"]
    several = {**headers, "webhook-signature": f"v1,AAAA v2,x {right}"}
    SCHEMES["standard_webhooks"](SignedRequest(body, several, {}, at), [secret], {})
    too_many = {**headers, "webhook-signature": " ".join(["v1,AAAA"] * 20 + [right])}
    with pytest.raises(WebhookRefusedError):
        SCHEMES["standard_webhooks"](SignedRequest(body, too_many, {}, at), [secret], {})


def test_a_stored_secret_of_the_wrong_form_is_a_refusal():
    (_, _, body, headers, at) = VECTORS[0].values
    for secret in (b"whsec_***", b"\xff\xfe", b"whsec_a"):
        with pytest.raises(WebhookRefusedError, match="stored secret"):
            SCHEMES["standard_webhooks"](SignedRequest(body, headers, {}, at), [secret], {})
