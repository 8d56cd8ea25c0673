"""Addresses of e-mail as people write them: `ana@example.com`, or `Ana <ana@example.com>`."""

from __future__ import annotations

import re
from typing import Annotated, NamedTuple

from pydantic import AfterValidator

from flowrun.channels.fields import Text

_NAMED = re.compile(r"(?P<name>[^<>\r\n]*)<(?P<address>[^<>]+)>")
_LOCAL = re.compile(r"(?=.{1,64}$)[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*", re.ASCII)
_LABEL = "[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_DOMAIN = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*")
_LINE = re.compile(r"[^\x00-\x1f\x7f]*")


class MailAddress(NamedTuple):
    """Where a letter goes, and whom it says that it is for."""

    name: str
    address: str


def mail_address(text: str) -> MailAddress:
    """Read an address; a domain of other letters than ASCII's becomes what mail servers know it by.

    Raises `ValueError` for what is none, and for a name before the @ that is not ASCII, which few servers take.
    """
    named = _NAMED.fullmatch(text.strip())
    name, bare = (named["name"].strip().strip('"').strip(), named["address"]) if named else ("", text)
    local, _, domain = bare.strip().rpartition("@")
    try:
        domain = domain.encode("idna").decode()
    except UnicodeError:
        domain = ""
    if not (_LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain) and _LINE.fullmatch(name)):
        raise ValueError("must be an address: `ana@example.com`, or `Ana <ana@example.com>`")
    return MailAddress(name, f"{local}@{domain}")


def _checked(value: str) -> str:
    mail_address(value)
    return value.strip()


Address = Annotated[Text, AfterValidator(_checked)]
