"""The reference of all channel types as Markdown, made from the types themselves."""

from __future__ import annotations

import json
from collections.abc import Iterable

from flowrun.channels.base import ChannelType
from flowrun.nodes.reference import params_table

_INTRODUCTION = """# Channels

<!-- Made by `python -m flowrun.channels.reference`; change the docstrings and fields in flowrun/channels instead. -->

A channel is a named way out of a tenant, and for most types a way in: a WhatsApp number, a Telegram bot, a mail server.
It is set once with its credentials, which are stored encrypted and never shown again. Workflows know it by its name:

```yaml
nodes:
  - {id: incoming, type: webhook, params: {path: whatsapp, auth: {type: channel, channel: support-line}}}
  - id: reply
    type: send
    params:
      channel: support-line
      to: "{{ trigger.event.customer_id }}"
      message: "We got your message and will be back soon."
edges:
  - {source: incoming, target: reply}
```

```
flowrun channels set support-line --type whatsapp --credentials-file whatsapp.yaml
flowrun channels test support-line --to 5511999998888
```

## Sending

The output of `send` is `{message_id, response}`: the provider's id of the message, and the rest of what it answered.
A failure has a `type` that is the same for every provider, and the provider's own words and codes in `details`:

| type | tried again | |
|---|---|---|
| `rate_limited` | yes | too many messages; after `Retry-After`, or the provider's own way to say it |
| `provider_unavailable` | yes | a 5xx, or an error that the provider calls passing |
| `connection_error`, `http_timeout` | yes | no answer |
| `channel_unauthorized` | no | the token is wrong or expired, or lacks a permission |
| `account_blocked` | no | the provider has restricted the account |
| `invalid_recipient` | no | there is no such recipient |
| `recipient_unavailable` | no | the recipient can't be reached, or has blocked you |
| `window_closed` | no | too long ago that the customer wrote |
| `message_rejected` | no | the provider doesn't take this message |
| `invalid_message` | no | `to` or `message` is nothing that the channel can send; nobody was asked |
| `invalid_answer` | no | a success that doesn't look like one: the message may have been sent |
| `invalid_credentials` | no | the credentials don't fit the type, or make no service |
| `unknown_channel`, `channel_disabled`, `unreadable_channel` | no | nothing was sent |
| `address_refused` | no | the address is private: see `FLOWRUN_HTTP_ALLOW` |

Messages go out at least once. Where a provider has a means to know a message again, every attempt uses it; each section
says whether there is one. No credential is in an output, an error or a log: what a provider repeats of one is `***`.

`base_url` is the provider's own address unless you set another: an on-premises gateway, or a stand-in for tests. The
address of a gateway in a private network has to be in `FLOWRUN_HTTP_ALLOW`.
"""


def reference(types: Iterable[ChannelType]) -> str:
    """Write the reference of some channel types: for each its purpose, credentials and an example."""
    return "\n".join([_INTRODUCTION, *map(_section, types)])


def _section(kind: ChannelType) -> str:
    inbound = f"Comes in as provider `{kind.provider}`." if kind.provider else "Nothing comes in through it."
    node = {
        "channel": f"my-{kind.name.replace('_', '-')}",
        "to": kind.example_to,
        "message": _plain(kind.example_message),
    }
    params = {name: value for name, value in node.items() if value is not None}
    choice = " or ".join(f"`{name}`" for name in kind.Credentials.exactly_one)
    return "\n".join(
        [
            f"## `{kind.name}`\n",
            kind.help,
            "",
            inbound,
            "",
            *([f"Exactly one of {choice} is needed.", ""] if choice else []),
            *params_table(kind.Credentials, "credential"),
            "Credentials:",
            "",
            *_json(dict(kind.example)),
            "",
            "Params of a `send` node:",
            "",
            *_json(params),
            "",
        ]
    )


def _json(value: object) -> list[str]:
    return ["```json", json.dumps(value, indent=2, ensure_ascii=False), "```"]


def _plain(message: object) -> object:
    return message if isinstance(message, str) else dict(message)  # type: ignore[call-overload]


if __name__ == "__main__":
    import sys

    from flowrun.channels import CHANNEL_TYPES

    sys.stdout.write(reference(CHANNEL_TYPES.values()))
