"""A whole conversation on WhatsApp: signed messages in, an agent that remembers, answers out through the channel."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import yaml
from e2e.client import Api, is_problem
from support.signatures import signed

ROOT = Path(__file__).parents[2]
MESSAGE = ROOT / "tests" / "unit" / "triggers" / "providers" / "cases" / "whatsapp-message.json"
EDITOR_SAVE = ROOT / "tests" / "unit" / "formats" / "samples" / "editor-save.json"
PATH = "/webhooks/default/channels/support-line"
JSON = {"content-type": "application/json"}
CREDENTIALS = {
    "phone_number_id": "106540352242922",
    "access_token": "EAAB-conversation-token",
    "app_secret": "conversation-app-secret",
    "verify_token": "conversation-verify-token",
}


class World:
    """What the workflow talks to: a model that says what it was told, and the Cloud API."""

    def __init__(self, neighbour) -> None:
        self.neighbour = neighbour
        neighbour.answer = self._answer
        self.model_status = 200

    def _answer(self, call):
        if call.path == "/v1/chat/completions":
            turns = [one["content"] for one in json.loads(call.body)["messages"] if one["role"] == "user"]
            if self.model_status != 200:
                return self.model_status, {"error": {"message": "no"}}, 0.0
            message = {"role": "assistant", "content": f"You said: {' | '.join(turns)}"}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            return 200, {"id": "c", "model": "m", "choices": [choice]}, 0.0
        if call.path.endswith("/106540352242922/messages"):
            number = json.loads(call.body)["to"]
            contact = {"input": number, "wa_id": number}
            return 200, {"messaging_product": "whatsapp", "contacts": [contact], "messages": [{"id": "wamid.1"}]}, 0.0
        return 200, {}, 0.0

    def asked(self) -> list[list[tuple[str, str]]]:
        """What the model was sent, each time: role and content of every message."""
        return [
            [(one["role"], one["content"]) for one in json.loads(call.body)["messages"]]
            for call in self.neighbour.called("/v1/chat/completions")
        ]

    def sent(self) -> list[dict]:
        """What came to the Cloud API."""
        return [json.loads(call.body) for call in self.neighbour.calls if call.path.endswith("/messages")]


@pytest.fixture(scope="module")
def world(neighbour):
    return World(neighbour)


@pytest.fixture
def conversation(service, api: Api, world):
    """The example as it is, with the stand-ins where it calls others; nothing was said in it so far."""
    world.neighbour.calls.clear()
    credentials = CREDENTIALS | {"base_url": world.neighbour.url}
    done = service.flowrun(
        "channels", "set", "support-line", "--type", "whatsapp", "--credentials-file", "-",
        stdin=yaml.safe_dump(credentials),
    )  # fmt: skip
    assert done.stdout in {"Set support-line\n", "Replaced support-line\n"}
    document = yaml.safe_load((ROOT / "examples" / "whatsapp-conversation.yaml").read_text())
    document["variables"]["api"] = world.neighbour.url
    api.save(document)
    return api


def message(text, customer="16505551234", kind="text"):
    """The delivery of the sample, with another text, sender and id."""
    document = json.loads(MESSAGE.read_text())
    value = document["entry"][0]["changes"][0]["value"]
    one = value["messages"][0]
    one |= {"from": customer, "id": f"wamid.{time.time_ns()}", "type": kind, kind: {"body": text}}
    value["contacts"][0]["wa_id"] = customer
    return json.dumps(document).encode()


def post(outside, body, secret=CREDENTIALS["app_secret"], path=PATH):
    return outside.post(path, content=body, headers={**JSON, **signed("meta", body, secret)})


def answered(api, outside, body):
    """The ended execution that a message starts."""
    answer = post(outside, body)
    assert answer.status_code == 202, answer.text
    ended = api.ends(answer.json()["execution_ids"][0])
    assert ended["status"] == "completed", ended["error"]
    return ended


def test_the_agent_answers_and_remembers_each_customer(conversation, outside, world):
    ended = answered(conversation, outside, MESSAGE.read_bytes())
    question = "Does it come in another color?"
    assert world.sent() == [
        {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": "16505551234",
            "type": "text",
            "text": {"body": f"You said: {question}"},
        }
    ]
    (call,) = [one for one in world.neighbour.calls if one.path.endswith("/messages")]
    assert call.headers["authorization"] == f"Bearer {CREDENTIALS['access_token']}"
    assert ended["trigger"]["event"]["customer_id"] == "16505551234"

    answered(conversation, outside, message("In blue?"))
    system, *before, now = world.asked()[-1]
    assert system[0] == "system"
    assert before == [("user", question), ("assistant", f"You said: {question}")]
    assert now == ("user", "In blue?")
    assert world.sent()[-1]["text"]["body"] == f"You said: {question} | In blue?"

    answered(conversation, outside, message("Hello", customer="4915112345678"))
    assert [role for role, _ in world.asked()[-1]] == ["system", "user"]
    assert (world.sent()[-1]["to"], world.sent()[-1]["text"]["body"]) == ("4915112345678", "You said: Hello")


def test_what_is_remembered_of_a_customer_is_shown_and_forgotten(service, conversation, outside, world):
    customer, workflow = "551100000009", "whatsapp-conversation"
    for text in ("My name is A", "What is it?"):
        answered(conversation, outside, message(text, customer=customer))
    (listed,) = (
        one
        for one in conversation.ask("GET", f"/workflows/{workflow}/conversations?limit=200")["items"]
        if one["id"] == customer
    )
    assert (listed["turns"], listed["created_at"] <= listed["updated_at"]) == (2, True)
    assert customer in service.flowrun("conversations", "list", workflow).stdout
    shown = conversation.ask("GET", f"/workflows/{workflow}/conversations/{customer}")
    said = [{"user": "My name is A", "assistant": "You said: My name is A"}]
    assert shown["turns"] == [*said, {"user": "What is it?", "assistant": "You said: My name is A | What is it?"}]
    printed = service.flowrun("conversations", "show", workflow, customer).stdout.splitlines()
    assert printed[:2] == ["they   My name is A", "agent  You said: My name is A"]
    assert service.flowrun("conversations", "delete", workflow, customer).stdout == f"{customer} is forgotten\n"
    answered(conversation, outside, message("And now?", customer=customer))
    assert world.sent()[-1]["text"]["body"] == "You said: And now?"
    conversation.ask("DELETE", f"/workflows/{workflow}/conversations/{customer}", status=204)
    conversation.ask("DELETE", f"/workflows/{workflow}/conversations/{customer}", status=404)


def test_a_delivery_that_meta_repeats_is_answered_once(conversation, outside, world):
    body = message("Once?", customer="551100000001")
    first, again = answered(conversation, outside, body), post(outside, body)
    assert (again.status_code, again.json()["execution_ids"]) == (202, [first["id"]])
    assert len(world.sent()) == 1


def test_messages_of_a_customer_are_answered_one_after_the_other(conversation, outside, world):
    started = [post(outside, message(f"{number}", "551100000002")).json()["execution_ids"][0] for number in range(5)]
    assert {conversation.ends(execution)["status"] for execution in started} == {"completed"}
    assert world.sent()[-1]["text"]["body"] == "You said: 0 | 1 | 2 | 3 | 4"


def test_without_the_model_a_person_is_promised(conversation, outside, world):
    world.model_status = 400
    try:
        answered(conversation, outside, message("Hello?", customer="551100000003"))
    finally:
        world.model_status = 200
    assert world.sent()[-1]["text"]["body"].startswith("Thank you for your message")


def test_who_is_not_meta_starts_nothing(conversation, outside, world):
    before = len(conversation.ask("GET", "/executions?limit=200")["items"])
    body = message("Give me money")
    for answer in (
        post(outside, body, "another-secret"),
        outside.post(PATH, content=body, headers=JSON),
        outside.post(PATH, content=body + b" ", headers={**JSON, **signed("meta", body, CREDENTIALS["app_secret"])}),
    ):
        is_problem(answer, 401, "unauthenticated")
    assert len(conversation.ask("GET", "/executions?limit=200")["items"]) == before
    assert world.neighbour.calls == []


@pytest.mark.usefixtures("conversation")
def test_states_and_pictures_start_nothing(outside, world):
    status = json.loads(MESSAGE.read_text())
    value = status["entry"][0]["changes"][0]["value"]
    del value["messages"]
    value["statuses"] = [{"id": "wamid.1", "status": "read", "timestamp": "1749416383", "recipient_id": "1650"}]
    for body in (json.dumps(status).encode(), message("x", kind="sticker")):
        assert post(outside, body).json()["execution_ids"] == []
    assert world.neighbour.calls == []


@pytest.mark.usefixtures("conversation")
def test_the_subscription_is_opened_with_the_channels_token(outside):
    asked = {"hub.mode": "subscribe", "hub.verify_token": CREDENTIALS["verify_token"], "hub.challenge": "115"}
    answer = outside.get(PATH, params=asked)
    assert (answer.status_code, answer.text) == (200, "115")
    is_problem(outside.get(PATH, params=asked | {"hub.verify_token": "guess"}), 401, "unauthenticated")


def test_the_log_names_the_channel_and_says_why(service, conversation, outside):
    (webhook,) = conversation.ask("GET", "/webhooks?workflow=whatsapp-conversation")["items"]
    deliveries = f"/webhooks/{webhook['id']}/deliveries"
    assert (webhook["auth"], webhook["channel"], webhook["provider"]) == ("channel", "support-line", "whatsapp")
    assert "/webhooks/default/channels/support-line" in service.flowrun("channels", "list").stdout
    body = message("Hello", customer="551100000004")
    service.flowrun("channels", "disable", "support-line", "--reason", "the number moves")
    is_problem(post(outside, body), 401, "unauthenticated")
    latest = conversation.ask("GET", deliveries)["items"][0]
    assert (latest["outcome"], latest["reason"]) == (
        "refused",
        "the channel support-line is disabled: the number moves",
    )
    asked = {"hub.mode": "subscribe", "hub.verify_token": CREDENTIALS["verify_token"], "hub.challenge": "115"}
    is_problem(outside.get(PATH, params=asked), 401, "unauthenticated")
    service.flowrun("channels", "enable", "support-line")
    answered(conversation, outside, body)
    channel_id = conversation.ask("GET", "/channels/support-line")["id"]
    assert {one["channel_id"] for one in conversation.ask("GET", deliveries)["items"]} == {channel_id}
    service.flowrun("channels", "delete", "support-line")
    is_problem(post(outside, message("Hello")), 401, "unauthenticated")
    assert "flowrun channels set support-line" in conversation.ask("GET", deliveries)["items"][0]["reason"]


def test_what_the_editor_saves_runs_as_it_is(conversation, outside, world):
    """A: by the agent; urgent ones by a person; and an apology when the agent fails."""
    source = EDITOR_SAVE.read_text().replace("http://127.0.0.1:9009", world.neighbour.url)
    source = source.replace('"model": "gpt-4o-mini"', f'"model": "gpt-4o-mini", "baseUrl": "{world.neighbour.url}/v1"')
    conversation.ask("DELETE", "/workflows/whatsapp-conversation", status=204)
    document = json.loads(source)
    saved = conversation.ask("PUT", f"/workflows/{document['id']}", json=document)
    assert (saved["status"], saved["hints"]) == ("published", [])
    assert conversation.ask("GET", "/channels/support-line")["webhook_url"] == PATH

    ended = answered(conversation, outside, message("Is there rye bread?", "551100000005"))
    assert world.sent()[-1]["text"]["body"] == "You said: Is there rye bread?"
    runs = conversation.nodes(ended["id"])
    assert {name for name, run in runs.items() if run["status"] == "skipped"} == {"handover", "apology"}

    answered(conversation, outside, message("URGENT: no bread", "551100000005"))
    assert world.sent()[-1]["text"]["body"] == "A person will answer you."
    assert json.loads(world.neighbour.called("/page")[-1].body) == {"who": "551100000005"}

    world.model_status = 400
    try:
        answered(conversation, outside, message("Hello", "551100000005"))
    finally:
        world.model_status = 200
    assert world.sent()[-1]["text"]["body"] == "Sorry, we will call you."
    conversation.ask("DELETE", f"/workflows/{document['id']}", status=204)
