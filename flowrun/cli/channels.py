"""`flowrun channels`: what messages go out and come in through."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flowrun.cli import output as out
from flowrun.cli.failure import FAILED, ArgumentError
from flowrun.cli.options import output_option, read_json_argument, service_options, tenant_option, tenant_path
from flowrun.errors import MalformedError, NotFoundError

if TYPE_CHECKING:
    from flowrun.cli.client import ServiceClient


@click.group()
def channels() -> None:
    """Set, list, try, disable and delete channels, such as a WhatsApp number.

    Example: flowrun channels types whatsapp
    """


@channels.command("types")
@click.argument("type_", metavar="[TYPE]", required=False)
@output_option
def list_types(type_: str | None, output: str) -> None:
    """List the types of channels, or explain one: what it needs to know.

    Needs no service.

    Example: flowrun channels types whatsapp
    """
    found = [_type(type_)] if type_ is not None else _types()
    if output == "json":
        out.print_json(found if type_ is None else found[0])
    elif type_ is None:
        rows = [(one["type"], "yes" if one["provider"] else "no", one["summary"]) for one in found]
        out.print_table(("type", "receives", "summary"), rows, empty="No types.")
    else:
        click.echo(f"{found[0]['help']}\n\n{click.style('Credentials', bold=True)}")
        width = max((len(one["name"]) for one in found[0]["credentials"]), default=0)
        for one in found[0]["credentials"]:
            choice = " or ".join(found[0]["one_of"]) if one["name"] in found[0]["one_of"] else ""
            word = "required" if one["required"] else f"required: {choice}" if choice else ""
            note = click.style(f"  {word}", fg="yellow") if word else ""
            click.echo(f"  {click.style(one['name'].ljust(width), fg='cyan')}  {one['description']}{note}")


@channels.command("set")
@click.argument("name")
@click.option("--type", "type_", metavar="TYPE", help="Such as whatsapp. Default: that of the channel NAME.")
@click.option(
    "--credentials-file", metavar="FILE",
    help="Read the credentials, YAML or JSON, from a file or standard input (-). Default: ask for each.",
)  # fmt: skip
@tenant_option
@service_options
def set_channel(client: ServiceClient, name: str, type_: str | None, credentials_file: str | None, tenant: str) -> None:
    """Set the channel NAME, or replace its credentials; it is enabled then.

    Credentials are never arguments: those can be seen by every user of the machine, and stay in the shell's history.

    Example: flowrun channels set support-line --type whatsapp --credentials-file whatsapp.yaml
    """
    path = tenant_path(tenant, "channels", name)
    if type_ is None:
        try:
            type_ = str(client.get(path)["type"])
        except NotFoundError:
            raise ArgumentError(f"There is no channel {name} yet: pass --type for a new one") from None
    credentials = _asked(type_) if credentials_file is None else _from_file(credentials_file)
    answer = client.ask("PUT", path, json={"type": type_, "credentials": credentials}).json()
    click.echo(f"{'Set' if answer['created'] else 'Replaced'} {name}")


@channels.command("list")
@tenant_option
@service_options
@output_option
def list_channels(client: ServiceClient, tenant: str, output: str) -> None:
    """List the channels of a tenant; never their credentials.

    Example: flowrun channels list --tenant acme
    """
    found = list(client.items(tenant_path(tenant, "channels"), 10_000))
    if output == "json":
        out.print_json(found)
        return
    rows = [(one["name"], one["type"], one["status"], one["webhook_url"] or "", one["status_reason"]) for one in found]
    out.print_table(
        ("name", "type", "status", "receives at", "why"), rows, empty=f"The tenant {tenant!r} has no channels."
    )


@channels.command()
@click.argument("name")
@tenant_option
@service_options
@output_option
def show(client: ServiceClient, name: str, tenant: str, output: str) -> None:
    """Show the channel NAME: its state, its address, and which credentials are set.

    Example: flowrun channels show support-line
    """
    one = client.get(tenant_path(tenant, "channels", name))
    if output == "json":
        out.print_json(one)
        return
    names = one["credentials"]
    rows = {
        "type": one["type"],
        "status": one["status"] + (f": {one['status_reason']}" if one["status_reason"] else ""),
        "credentials": "they cannot be decrypted" if names is None else ", ".join(names),
        "receives at": one["webhook_url"] or "nowhere: no published workflow has a webhook for it",
        "set": out.local_time(one["updated_at"]),
    }
    for label, value in rows.items():
        click.echo(f"{click.style(label.ljust(11), dim=True)}  {value}")


@channels.command()
@click.argument("name")
@click.option("--to", default="", metavar="WHO", help="Who gets it, such as a phone number.")
@click.option("--message", default="A test message.", show_default=True, metavar="TEXT", help="What is sent.")
@click.option("--json", "document", metavar="JSON", help="A message that is no text; @file and - work, too.")
@tenant_option
@service_options
@click.pass_context
def test(
    ctx: click.Context, client: ServiceClient, name: str, to: str, message: str, document: str | None, tenant: str
) -> None:
    """Send one message through the channel NAME, for real.

    Example: flowrun channels test support-line --to 16505551234
    """
    content: Any = message if document is None else read_json_argument(document, "--json")
    answer = client.post(tenant_path(tenant, "channels", name, "test"), {"to": to, "message": content})
    if answer["sent"]:
        click.echo(f"Sent: {out.shorten(answer['output'], 2000)}")
        return
    click.echo(f"Not sent: {answer['error']['type']}: {answer['error']['message']}", err=True)
    ctx.exit(FAILED)


@channels.command()
@click.argument("name")
@click.option("--reason", metavar="TEXT", help="Why, for people.")
@tenant_option
@service_options
def disable(client: ServiceClient, name: str, reason: str | None, tenant: str) -> None:
    """Let nothing through the channel NAME: sending fails, and what comes in is refused.

    Example: flowrun channels disable support-line --reason "number moved"
    """
    client.post(tenant_path(tenant, "channels", name, "disable"), {"reason": reason})
    click.echo(f"{name} is disabled")


@channels.command()
@click.argument("name")
@tenant_option
@service_options
def enable(client: ServiceClient, name: str, tenant: str) -> None:
    """Let the channel NAME work again.

    Example: flowrun channels enable support-line
    """
    client.post(tenant_path(tenant, "channels", name, "enable"))
    click.echo(f"{name} is enabled")


@channels.command()
@click.argument("name")
@tenant_option
@service_options
def delete(client: ServiceClient, name: str, tenant: str) -> None:
    """Delete the channel NAME with its credentials.

    Example: flowrun channels delete support-line
    """
    client.ask("DELETE", tenant_path(tenant, "channels", name))
    click.echo(f"{name} is deleted")


def _types() -> list[dict[str, Any]]:
    from flowrun.channels.documents import type_documents  # noqa: PLC0415 - loads every type

    return type_documents()


def _type(name: str) -> dict[str, Any]:
    types = {one["type"]: one for one in _types()}
    if name not in types:
        from difflib import get_close_matches  # noqa: PLC0415 - only a mistake needs it

        close = get_close_matches(name, types, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else f"; there are {', '.join(types)}"
        raise NotFoundError(f"There is no type of channel {name!r}{hint}")
    return types[name]


def _asked(type_: str) -> dict[str, Any]:
    """The credentials from the keyboard; raises `ArgumentError` without a terminal."""
    fields = _type(type_)["credentials"]
    if not sys.stdin.isatty():
        raise ArgumentError(
            "There is no terminal to ask for the credentials: pass --credentials-file FILE, or - for stdin"
        )
    found: dict[str, Any] = {}
    for field in fields:
        click.echo(click.style(field["description"], dim=True))
        label = field["name"] if field["required"] else f"{field['name']} (may be empty)"
        default = None if field["required"] else ""
        given = click.prompt(label, hide_input=field["secret"], default=default, show_default=False)
        if given:
            found[field["name"]] = _read(given, field["type"])
    return found


def _read(text: str, type_: str) -> Any:  # noqa: ANN401 - any JSON
    """What was typed, as the type that is wanted; the service says what is wrong with anything else."""
    if type_ == "string":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return [part.strip() for part in text.split(",")] if type_ == "array" else text


def _from_file(source: str) -> dict[str, Any]:
    """The credentials from a file or standard input; raises `ArgumentError` when there are none."""
    from flowrun.formats import read_document  # noqa: PLC0415 - few commands read documents

    try:
        data = sys.stdin.buffer.read() if source == "-" else Path(source).expanduser().read_bytes()
    except OSError as error:
        raise ArgumentError(f"{source} cannot be read: {error.strerror or error}") from None
    try:
        return read_document(data)
    except MalformedError as error:
        raise ArgumentError(f"{source}: {error}") from None
