"""A small SMTP server on loopback: EHLO, AUTH, MAIL, RCPT, DATA and QUIT, in a thread of its own."""

from __future__ import annotations

import asyncio
import base64
import ssl
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from support.own_thread import ServerThread

USER, PASSWORD = "no-reply@example.com", "app-password-0123"


@dataclass(slots=True)
class Letter:
    """What was handed over, and between whom."""

    sender: str
    recipients: list[str]
    message: EmailMessage


@dataclass(slots=True, eq=False)
class SmtpServer(ServerThread):
    """Asks for a login unless `auth` is off. `replies` overrides the reply to a command, such as `RCPT`."""

    auth: bool = True
    replies: dict[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    """Offers STARTTLS with it, or with `implicit` speaks nothing but TLS."""
    implicit: bool = False
    silent: bool = False
    """Says nothing at all, not even its name."""
    refused: dict[str, str] = field(default_factory=dict)
    """Recipients that it doesn't take, and what it says of them."""
    letters: list[Letter] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)

    def _tls(self) -> ssl.SSLContext | None:
        return self.tls if self.implicit else None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = _Session(self, reader, writer)
        try:
            if self.silent:
                await reader.read()
                return
            await session.run()
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass  # The client hung up, or doesn't trust us.
        finally:
            writer.close()


@dataclass(slots=True, eq=False)
class _Session:
    server: SmtpServer
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    sender: str = ""
    recipients: list[str] = field(default_factory=list)
    known: bool = False
    secure: bool = False

    async def run(self) -> None:
        await self._say("220 mail.example.com ESMTP")
        while True:
            line = (await self.reader.readuntil(b"\r\n")).decode().strip()
            command = line.split(" ", 1)[0].upper()
            if command in self.server.replies:
                await self._say(self.server.replies[command].format(password=PASSWORD))
                continue
            if not await self._do(command, line):
                return

    async def _do(self, command: str, line: str) -> bool:
        if command == "EHLO":
            offers = [
                *(["STARTTLS"] if self._may_start_tls() else []),
                *(["AUTH PLAIN LOGIN"] if self.server.auth else []),
            ]
            await self._say("250-mail.example.com", *(f"250-{offer}" for offer in offers), "250 8BITMIME")
        elif command == "STARTTLS" and self._may_start_tls():
            await self._say("220 Go ahead")
            await self.writer.start_tls(self.server.tls)
            self.secure = True
        elif command == "AUTH":
            await self._login(line.split(" ")[1:])
        elif command == "MAIL" and self.server.auth and not self.known:
            await self._say("530 5.7.0 Authentication required")
        elif command == "MAIL":
            self.sender, self.recipients = _path(line), []
            await self._say("250 2.1.0 OK")
        elif command == "RCPT" and _path(line) in self.server.refused:
            await self._say(self.server.refused[_path(line)])
        elif command == "RCPT" and self.sender:
            self.recipients.append(_path(line))
            await self._say("250 2.1.5 OK")
        elif command == "DATA" and self.recipients:
            await self._data()
        elif command == "RSET":
            self.sender, self.recipients = "", []
            await self._say("250 OK")
        elif command == "QUIT":
            await self._say("221 Bye")
            return False
        else:
            await self._say("503 5.5.1 Bad sequence of commands")
        return True

    def _may_start_tls(self) -> bool:
        return self.server.tls is not None and not self.server.implicit and not self.secure

    async def _login(self, words: list[str]) -> None:
        if words[0].upper() == "PLAIN":
            given = words[1] if len(words) > 1 else await self._ask("334 ")
            _, user, password = base64.b64decode(given).decode().split("\0")
        else:
            user = base64.b64decode(words[1] if len(words) > 1 else await self._ask("334 VXNlcm5hbWU6")).decode()
            password = base64.b64decode(await self._ask("334 UGFzc3dvcmQ6")).decode()
        self.server.logins.append((user, password))
        self.known = (user, password) == (USER, PASSWORD)
        await self._say("235 2.7.0 Accepted" if self.known else "535 5.7.8 Username and password not accepted")

    async def _data(self) -> None:
        await self._say("354 Go ahead")
        data = await self.reader.readuntil(b"\r\n.\r\n")
        text = data.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.")
        if "." in self.server.replies:
            await self._say(self.server.replies["."])
            return
        message = message_from_bytes(text, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.server.letters.append(Letter(self.sender, list(self.recipients), message))
        await self._say("250 2.0.0 OK queued")

    async def _ask(self, line: str) -> str:
        await self._say(line)
        return (await self.reader.readuntil(b"\r\n")).decode().strip()

    async def _say(self, *lines: str) -> None:
        self.writer.write("".join(f"{line}\r\n" for line in lines).encode())
        await self.writer.drain()


def _path(line: str) -> str:
    return line.partition("<")[2].partition(">")[0]
