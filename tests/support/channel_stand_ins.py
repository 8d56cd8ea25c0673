"""Real servers that stand in for the providers of channels: each checks requests, and answers, as its documents say."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Mapping
from typing import Any, ClassVar, Self
from urllib.parse import parse_qsl

from support.signatures import standard_webhooks
from support.stand_in import Call, Reply, StandIn

TOKEN = "EAAJBtoken0123456789secret"
BOT_TOKEN = "123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11"
SIGNING = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Provider:
    """One provider. `wrong` lists whatever its documents don't allow; `sent` the messages that it took."""

    failures: ClassVar[Mapping[str, Reply]] = {}
    """The provider's documented error documents, by a name for tests."""

    def __init__(self) -> None:
        self.server = StandIn(self._answer)
        self.wrong: list[str] = []
        self.sent: list[Any] = []
        self.planned: deque[str] = deque()

    def plan(self, *failures: str) -> None:
        """Answer the next requests like that; `echo` repeats the request in the error."""
        self.planned.extend(failures)

    @property
    def url(self) -> str:
        """Its base URL."""
        return self.server.url

    @property
    def calls(self) -> list[Call]:
        """Everything that came in."""
        return self.server.calls

    def __enter__(self) -> Self:
        self.server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.__exit__()

    def check(self, call: Call, body: Any) -> None:
        """Note what is wrong with a request."""
        raise NotImplementedError

    def take(self, call: Call, body: Any) -> Reply:
        """Take a message, as the provider answers a success."""
        raise NotImplementedError

    def echo(self, text: str) -> Reply:
        """An error whose message is the text."""
        raise NotImplementedError

    def expect(self, what: str, given: object, expected: object) -> None:
        """Note a difference."""
        if given != expected:
            self.wrong.append(f"{what} is {given!r}, not {expected!r}")

    def _answer(self, call: Call) -> Reply:
        body = json.loads(call.body) if call.body else None
        self.check(call, body)
        failure = self.planned.popleft() if self.planned else None
        if failure == "echo":
            return self.echo(f"{call.path} {call.headers} {call.body.decode()}")
        if failure is not None:
            return self.failures[failure]
        self.sent.append(body)
        return self.take(call, body)

    def _check_json(self, call: Call, path: str, token: str | None) -> None:
        self.expect("the method", call.method, "POST")
        self.expect("the path", call.path, path)
        self.expect("the content type", call.headers.get("content-type", "").partition(";")[0], "application/json")
        self.expect("the token", call.headers.get("authorization"), f"Bearer {token}" if token else None)


def _graph(code: int, message: str, status: int = 400, **more: Any) -> Reply:
    error = {
        "message": message,
        "type": "OAuthException",
        "code": code,
        "fbtrace_id": "A4uHYOpCEYKEwAbNQGCDWO6",
        **more,
    }
    return Reply(status, {"error": error})


class WhatsappProvider(Provider):
    """The Cloud API's edge `/{phone_number_id}/messages`."""

    failures: ClassVar = {
        "transient": _graph(131016, "(#131016) Service unavailable", 500),
        "rate": _graph(130429, "(#130429) Rate limit hit", 429),
        "permanent": _graph(
            131047,
            "(#131047) Re-engagement message",
            error_data={"messaging_product": "whatsapp", "details": "More than 24 hours have passed"},
        ),
        "expired": _graph(190, "Error validating access token: Session has expired", 401, error_subcode=463),
        "template": _graph(132001, "(#132001) Template name does not exist in the translation", 404),
        "flagged": _graph(2, "An unexpected error has occurred", 500, is_transient=True),
    }

    def check(self, call: Call, body: Any) -> None:
        self._check_json(call, "/v24.0/106540352242922/messages", TOKEN)
        self.expect("messaging_product", body.get("messaging_product"), "whatsapp")
        if body.get("type") not in body:
            self.wrong.append(f"the message has no {body.get('type')}")
        if not str(body.get("to", "")).lstrip("+").isdigit():
            self.wrong.append("`to` is no number")

    def take(self, call: Call, body: Any) -> Reply:  # noqa: ARG002
        return Reply(
            200,
            {
                "messaging_product": "whatsapp",
                "contacts": [{"input": body["to"], "wa_id": body["to"]}],
                "messages": [{"id": f"wamid.{len(self.sent)}"}],
            },
        )

    def echo(self, text: str) -> Reply:
        return _graph(100, text)


class SendApiProvider(Provider):
    """Instagram's and Messenger's edge `/{id}/messages`."""

    failures: ClassVar = {
        "transient": _graph(1200, "Temporary send message failure. Please try again later.", 500),
        "permanent": _graph(10, "(#10) This message is sent outside of allowed window.", 403, error_subcode=2018278),
        "nobody": _graph(100, "(#100) No matching user found", error_subcode=2018001),
        "unavailable": _graph(551, "(#551) This person isn't available right now.", error_subcode=1545041),
        "permission": _graph(10, "(#10) Application does not have permission for this action", 403),
        "rate": _graph(613, "(#613) Calls to this api have exceeded the rate limit."),
    }

    def __init__(self, path: str, *, messaging_type: str | None) -> None:
        super().__init__()
        self._path, self._messaging_type = path, messaging_type

    def check(self, call: Call, body: Any) -> None:
        self._check_json(call, self._path, TOKEN)
        self.expect("messaging_type", body.get("messaging_type"), self._messaging_type)
        self.expect("the recipient's keys", list(body.get("recipient", {})), ["id"])
        if "message" not in body and "sender_action" not in body:
            self.wrong.append("there is neither message nor sender_action")

    def take(self, call: Call, body: Any) -> Reply:  # noqa: ARG002
        answer = {"recipient_id": body["recipient"]["id"]}
        if "message" in body:
            answer["message_id"] = f"m_{len(self.sent)}"
        return Reply(200, answer)

    def echo(self, text: str) -> Reply:
        return _graph(100, text)


class MercadoLivreProvider(Provider):
    """Mercado Livre's `/answers` and `/questions/{id}`."""

    failures: ClassVar = {
        "transient": Reply(500, {"message": "internal error", "error": "internal_error", "status": 500, "cause": []}),
        "rate": Reply(429, {"message": "too many requests", "error": "too_many_requests", "status": 429, "cause": []}),
        "permanent": Reply(
            400,
            {"message": "Question is not unanswered", "error": "not_unanswered_question", "status": 400, "cause": []},
        ),
        "expired": Reply(401, {"message": "invalid access token", "error": "unauthorized", "status": 401, "cause": []}),
        "missing": Reply(404, {"message": "Question not found", "error": "not_found", "status": 404, "cause": []}),
    }

    def __init__(self) -> None:
        super().__init__()
        self.answered: str | None = None
        """The answer that the question has already."""
        self.token, self.refresh = TOKEN, "TG-first-refresh-token"
        """What it takes at present; each renewal uses both up."""
        self.renewals = 0

    def _answer(self, call: Call) -> Reply:
        if call.path == "/oauth/token":
            return self._renew(call)
        if call.headers.get("authorization") != f"Bearer {self.token}":
            return self.failures["expired"]
        return super()._answer(call)

    def _renew(self, call: Call) -> Reply:
        self.expect("the content type", call.headers["content-type"], "application/x-www-form-urlencoded")
        form = dict(parse_qsl(call.body.decode()))
        self.expect("grant_type", form["grant_type"], "refresh_token")
        self.expect("the application", (form["client_id"], form["client_secret"]), ("99", "client-secret-1"))
        if form["refresh_token"] != self.refresh:
            error = {"message": "Error validating grant", "error": "invalid_grant", "status": 400, "cause": []}
            return Reply(400, error)
        self.renewals += 1
        self.token, self.refresh = f"APP_USR-new-{self.renewals:08}", f"TG-new-{self.renewals:08}"
        return Reply(
            200,
            {
                "access_token": self.token,
                "token_type": "bearer",
                "expires_in": 21600,
                "scope": "offline_access read write",
                "user_id": 8035443,
                "refresh_token": self.refresh,
            },
        )

    def check(self, call: Call, body: Any) -> None:
        if call.method == "GET":
            self.expect("the path", call.path, "/questions/11751825075?api_version=4")
            return
        self._check_json(call, "/answers", self.token)
        self.expect("the body's keys", sorted(body), ["question_id", "text"])
        if not isinstance(body["question_id"], int):
            self.wrong.append("question_id is no number")

    def take(self, call: Call, body: Any) -> Reply:
        if call.method == "POST":
            self.answered = body["text"]
        return Reply(
            200,
            {
                "id": 11751825075,
                "status": "ANSWERED",
                "item_id": "MLB903218023",
                "text": "Tem disponível?",
                "answer": {"text": self.answered, "status": "ACTIVE", "date_created": "2026-02-16T14:52:13.580-04:00"},
            },
        )

    def echo(self, text: str) -> Reply:
        return Reply(400, {"message": text, "error": "bad_request", "status": 400, "cause": []})


def _telegram(code: int, description: str, **parameters: int) -> Reply:
    body: dict[str, Any] = {"ok": False, "error_code": code, "description": description}
    return Reply(code, body | ({"parameters": parameters} if parameters else {}))


class TelegramProvider(Provider):
    """The Bot API."""

    failures: ClassVar = {
        "transient": _telegram(502, "Bad Gateway"),
        "rate": _telegram(429, "Too Many Requests: retry after 7", retry_after=7),
        "permanent": _telegram(403, "Forbidden: bot was blocked by the user"),
        "nobody": _telegram(400, "Bad Request: chat not found"),
        "moved": _telegram(400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=-100),
        "entities": _telegram(400, "Bad Request: can't parse entities"),
        "revoked": _telegram(401, "Unauthorized"),
        "unknown": _telegram(404, "Not Found"),
    }

    def check(self, call: Call, body: Any) -> None:
        start = f"/bot{BOT_TOKEN}/"
        if not call.path.startswith(start):
            self.wrong.append("the path doesn't begin with the bot's token")
        method = call.path.removeprefix(start)
        self._check_json(call, f"{start}{method}", None)
        needed = {"sendMessage": "text", "sendPhoto": "photo", "sendChatAction": "action"}
        if needed.get(method) not in body or "chat_id" not in body:
            self.wrong.append(f"{method} lacks what it needs")

    def take(self, call: Call, body: Any) -> Reply:
        if call.path.endswith("sendChatAction"):
            return Reply(200, {"ok": True, "result": True})
        chat = {"id": int(body["chat_id"]), "type": "private"}
        result = {"message_id": len(self.sent), "date": 1_700_000_000, "chat": chat, "text": body.get("text")}
        return Reply(200, {"ok": True, "result": result})

    def echo(self, text: str) -> Reply:
        return _telegram(400, text)


class SlackProvider(Provider):
    """`chat.postMessage`, and an incoming webhook at `/services/T0/B0/hooksecret`."""

    failures: ClassVar = {
        "transient": Reply(200, {"ok": False, "error": "internal_error"}),
        "unavailable": Reply(503, "Service Unavailable"),
        "rate": Reply(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "30"}),
        "permanent": Reply(200, {"ok": False, "error": "channel_not_found"}),
        "scope": Reply(200, {"ok": False, "error": "missing_scope", "needed": "chat:write", "provided": "identify"}),
        "blocks": Reply(
            200, {"ok": False, "error": "invalid_blocks", "response_metadata": {"messages": ["[ERROR] x"]}}
        ),
        "hook_gone": Reply(404, "no_service"),
        "hook_payload": Reply(400, "invalid_payload"),
    }

    def check(self, call: Call, body: Any) -> None:
        if call.path.startswith("/services/"):
            self._check_json(call, "/services/T0/B0/hooksecret", None)
            return
        self._check_json(call, "/api/chat.postMessage", TOKEN)
        self.expect("the charset", call.headers["content-type"].partition("charset=")[2], "utf-8")
        if "channel" not in body or not {"text", "blocks", "attachments"} & body.keys():
            self.wrong.append("there is no channel, or nothing to say")

    def take(self, call: Call, body: Any) -> Reply:
        if call.path.startswith("/services/"):
            return Reply(200, "ok")
        ts = f"1503435956.{len(self.sent):06}"
        return Reply(200, {"ok": True, "channel": body["channel"], "ts": ts, "message": {"type": "message", **body}})

    def echo(self, text: str) -> Reply:
        return Reply(200, {"ok": False, "error": text})


class CallbackReceiver(Provider):
    """A receiver of Standard Webhooks that believes only what is signed, and knows a message again by its id."""

    failures: ClassVar = {
        "transient": Reply(503, {"error": "deploying"}),
        "rate": Reply(429, {"error": "slow down"}, {"Retry-After": "600"}),
        "permanent": Reply(410, {"error": "gone"}),
        "missing": Reply(404, "not found"),
        "moved": Reply(302, "", {"Location": "/elsewhere"}),
    }

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []

    def check(self, call: Call, body: Any) -> None:  # noqa: ARG002
        self._check_json(call, "/hook", None)
        headers = call.headers
        stamp = int(headers.get("webhook-timestamp", "0"))
        self.expect("the age", abs(time.time() - stamp) < 60, True)
        expected = standard_webhooks(SIGNING, call.body, stamp, headers["webhook-id"])["webhook-signature"]
        if expected not in headers["webhook-signature"].split(" "):
            self.wrong.append("no signature fits")
        self.ids.append(headers["webhook-id"])

    def take(self, call: Call, body: Any) -> Reply:  # noqa: ARG002
        return Reply(204, "")

    def echo(self, text: str) -> Reply:
        return Reply(400, text)


class NotificationReceiver(Provider):
    """What `json://` of Apprise posts to."""

    failures: ClassVar = {
        "transient": Reply(503, "busy"),
        "rate": Reply(429, "slow down"),
        "permanent": Reply(400, "bad"),
        "expired": Reply(401, "who are you"),
    }

    def check(self, call: Call, body: Any) -> None:
        self.expect("the path", call.path, "/topic-with-secret")
        self.expect("the version", body["version"], "1.0")

    def take(self, call: Call, body: Any) -> Reply:  # noqa: ARG002
        return Reply(200, "ok")

    def echo(self, text: str) -> Reply:
        return Reply(400, text)
