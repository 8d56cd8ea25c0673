"""The `send` node's params; tests/contract/channels has what it does."""

from __future__ import annotations

import pytest

from flowrun.errors import InvalidInputError
from flowrun.nodes.http_client import HttpClient
from flowrun.nodes.job import NodeJob, Services
from flowrun.nodes.registry import builtin_types

SEND = builtin_types().get("send")


@pytest.mark.parametrize(("to", "checked"), [(42, "42"), (" a ", "a"), ("@x", "@x"), (None, None)])
def test_the_recipient_is_a_text_whatever_an_expression_gave(to, checked):
    assert SEND.check({"channel": "c", "message": "m", "to": to})["to"] == checked


@pytest.mark.parametrize("to", [True, 1.5, ["a"], "a\r\nb"])
def test_anything_else_is_no_recipient(to):
    with pytest.raises(InvalidInputError, match="to: "):
        SEND.check({"channel": "c", "message": "m", "to": to})


async def test_without_channels_it_fails_for_good():
    job = NodeJob(SEND.check({"channel": "c", "message": "m"}), None, "e", "t", "w", "n", "", 1, "e:n:0")
    outcome = await SEND.run(job, Services(HttpClient()))
    assert (outcome.type, outcome.retryable) == ("unknown_channel", False)
