"""`flowrun dev`: what developers of workflows need on their own machine."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from flowrun.nodes.agent.stub.script import Script
    from flowrun.nodes.agent.stub.server import Seen


@click.group()
def dev() -> None:
    """Stand in for services that workflows call.

    Example: flowrun dev llm-stub --port 4010
    """


@dev.command("llm-stub")
@click.option("--port", type=click.IntRange(0, 65535), default=4010, show_default=True, help="0 takes a free one.")
@click.option(
    "--script",
    "script_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The answers, a list in YAML or JSON. Default: repeat what the user said.",
)
@click.option("--api-key", metavar="KEY", help="Refuse requests without this key. Default: take any.")
@click.option(
    "--record",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Append every request to FILE, one JSON document a line, without its key.",
)
def llm_stub(port: int, script_file: Path | None, api_key: str | None, record: Path | None) -> None:
    """Serve a language model that answers what a script says.

    It speaks the OpenAI chat completions protocol on 127.0.0.1, and refuses what a real endpoint would refuse.
    docs/agent.md has the steps of a script.

    Example: flowrun dev llm-stub --script answers.yaml
    """
    from flowrun.nodes.agent.stub.script import Script  # noqa: PLC0415 - the other commands don't need it

    script = Script.read(script_file) if script_file is not None else Script()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(script, port, api_key, record))


@dev.command("whatsapp-stub")
@click.option("--port", type=click.IntRange(0, 65535), default=4020, show_default=True, help="0 takes a free one.")
@click.option("--webhook", metavar="URL", help="Where the lines of standard input are delivered, as messages.")
@click.option(
    "--app-secret", metavar="TEXT", default="dev-app-secret", show_default=True, help="What messages are signed with."
)
@click.option("--customer", metavar="NUMBER", default="16505551234", show_default=True, help="Who writes the messages.")
@click.option("--access-token", metavar="TEXT", help="Refuse requests without this token. Default: take any.")
def whatsapp_stub(port: int, webhook: str | None, app_secret: str, customer: str, access_token: str | None) -> None:
    """Serve the Cloud API of WhatsApp: print what is sent through a channel, and write to it as a customer.

    The channel's `base_url` is the address that it prints. With --webhook each line that you type is delivered there,
    signed as Meta signs it. docs/conversations.md has a walk through a whole conversation.

    Example: flowrun dev whatsapp-stub --webhook http://127.0.0.1:8080/webhooks/default/channels/support-line
    """
    from flowrun.cli.whatsapp_stub import Sent, WhatsAppStub  # noqa: PLC0415 - the other commands don't need it
    from flowrun.errors import ConfigurationError  # noqa: PLC0415

    def noted(sent: Sent) -> None:
        click.echo(f"to {sent.to}: {sent.text}")

    try:
        stub = WhatsAppStub(noted, port=port, access_token=access_token)
    except OSError as error:
        raise ConfigurationError(f"Port {port} can't be listened on: {error.strerror}") from None
    with stub, contextlib.suppress(KeyboardInterrupt):
        click.echo(f"A stand-in for the Cloud API of WhatsApp: base_url {stub.url}", err=True)
        click.echo("The service must be allowed to call it: FLOWRUN_HTTP_ALLOW=127.0.0.1", err=True)
        if webhook is not None:
            click.echo(f"Type what {customer} writes; each line is delivered to {webhook}", err=True)
            _write_as_customer(webhook, app_secret, customer)
        threading.Event().wait()


def _write_as_customer(webhook: str, app_secret: str, customer: str) -> None:
    """Deliver each line of standard input, to its end."""
    import httpx2  # noqa: PLC0415 - it takes a while to import

    from flowrun.cli.whatsapp_stub import customer_message, signature  # noqa: PLC0415

    with httpx2.Client(timeout=30, trust_env=False) as client:
        for line in sys.stdin:
            text = line.strip()
            if not text:
                continue
            body = customer_message(text, customer)
            try:
                answer = client.post(webhook, content=body, headers=signature(body, app_secret))
            except httpx2.HTTPError as error:
                click.echo(f"not delivered: {error}", err=True)
                continue
            if not answer.is_success:
                click.echo(f"not taken: {answer.status_code} {answer.text[:500]}", err=True)


async def _serve(script: Script, port: int, api_key: str | None, record: Path | None) -> None:
    from flowrun.errors import ConfigurationError  # noqa: PLC0415
    from flowrun.nodes.agent.stub.server import LlmStub  # noqa: PLC0415

    stub = LlmStub(script, port=port, api_key=api_key, noted=lambda request: _note(request, record))
    async with contextlib.AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(stub)
        except OSError as error:
            raise ConfigurationError(f"Port {port} can't be listened on: {error.strerror}") from None
        click.echo(f"A stand-in for a language model: base_url {stub.url}", err=True)
        click.echo("The service must be allowed to call it: FLOWRUN_HTTP_ALLOW=127.0.0.1", err=True)
        await asyncio.Event().wait()


def _note(request: Seen, record: Path | None) -> None:
    import orjson  # noqa: PLC0415

    body = request.body if isinstance(request.body, dict) else {}
    messages = body.get("messages") or []
    click.echo(f"{request.method} {request.path} {request.status}: {body.get('model')}, {len(messages)} messages")
    if record is None:
        return
    headers = request.headers | ({"authorization": "Bearer ***"} if "authorization" in request.headers else {})
    document = {"method": request.method, "path": request.path, "headers": headers, "body": request.body}
    with record.open("ab") as file:
        file.write(orjson.dumps(document | {"status": request.status}) + b"\n")
