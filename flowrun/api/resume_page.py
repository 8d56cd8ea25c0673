"""The page on which a person answers a waiting node: plain HTML that needs nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TypeAlias

from flowrun.domain.forms import APPROVED
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.errors import Issue

Page: TypeAlias = str
_STYLE = """
:root{color-scheme:light dark;--back:#f4f5f7;--card:#fff;--text:#1c2330;--soft:#5c6675;--line:#d7dce3;--accent:#2f6fed;
--bad:#c0352b}
@media(prefers-color-scheme:dark){:root{--back:#14171c;--card:#1d2229;--text:#e7eaf0;--soft:#9aa4b2;--line:#343c47;
--accent:#6d9dff;--bad:#ff8a80}}
*{box-sizing:border-box}body{margin:0;padding:8vh 1rem;background:var(--back);color:var(--text);
font:16px/1.5 system-ui,sans-serif}main{max-width:34rem;margin:auto;padding:2rem;background:var(--card);
border:1px solid var(--line);border-radius:12px}h1{font-size:1.35rem;margin:0 0 .75rem}p{white-space:pre-wrap;
overflow-wrap:anywhere}label{display:block;margin:1rem 0 .25rem;font-weight:600}
input,textarea,select{width:100%;padding:.55rem .7rem;font:inherit;color:inherit;background:var(--back);
border:1px solid var(--line);border-radius:8px}input[type=checkbox]{width:auto;margin-right:.5rem}
textarea{min-height:6rem}.row{display:flex;gap:.75rem;margin-top:1.5rem}button{flex:1;padding:.7rem 1rem;font:inherit;
font-weight:600;border:1px solid var(--accent);border-radius:8px;background:var(--accent);color:var(--card);
cursor:pointer}button.no{background:transparent;color:var(--text);border-color:var(--line)}
.bad{color:var(--bad);font-size:.9rem;margin:.25rem 0 0}small{color:var(--soft)}
"""
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
{head}<title>{title}</title><style>{style}</style></head>
<body><main><h1>{title}</h1>
{body}</main></body></html>
"""


def say(title: str, text: str, *, again: bool = False) -> Page:
    """A page that only tells something; `again` lets the browser look anew after two seconds."""
    return _page(title, f"<p>{escape(text)}</p>", '<meta http-equiv="refresh" content="2">' if again else "")


def ask(wait: JsonObject, sent: JsonValue = None, issues: Sequence[Issue] = ()) -> Page:
    """The page with the form; `sent` is what was filled in before, `issues` what was wrong with it."""
    form = wait["form"] if isinstance(wait["form"], dict) else {}
    given = sent if isinstance(sent, dict) else None
    listed = form.get("fields")
    fields = [field for field in (listed if isinstance(listed, list) else []) if isinstance(field, dict)]
    names = {str(field["name"]) for field in fields}
    parts = [f"<p>{escape(str(form['text']))}</p>"] if form.get("text") else []
    parts += [_bad(issue) for issue in issues if issue.path not in names]
    parts += [_field(field, given, issues) for field in fields]
    parts.append(_buttons(form))
    if wait.get("due_at"):
        parts.append(f"<p><small>Open until {escape(str(wait['due_at']))}</small></p>")
    title = str(form.get("title") or f"Continue: {wait['signal']}")
    return _page(title, f'<form method="post">{"".join(parts)}</form>')


def _page(title: str, body: str, head: str = "") -> Page:
    return _PAGE.format(title=escape(title), style=_STYLE, body=body, head=head)


def _buttons(form: JsonObject) -> str:
    if not form.get("approval"):
        label = escape(str(form.get("submit") or "Continue"))
        return f'<div class="row"><button>{label}</button></div>'
    return (
        f'<div class="row"><button name="{APPROVED}" value="true">Approve</button>'
        f'<button class="no" name="{APPROVED}" value="false" formnovalidate>Reject</button></div>'
    )


def _field(field: JsonObject, given: JsonObject | None, issues: Sequence[Issue]) -> str:
    name, kind = str(field["name"]), str(field["type"])
    value = field.get("value") if given is None else given.get(name)
    needed = " required" if field.get("required") and kind != "boolean" else ""
    wrong = "".join(_bad(issue) for issue in issues if issue.path == name)
    label = escape(str(field["label"]))
    attributes = f'id="{name}" name="{name}"{needed}'
    if kind == "boolean":
        ticked = " checked" if str(value).lower() in {"true", "on"} else ""
        return f'<label><input type="checkbox" {attributes} value="true"{ticked}>{label}</label>{wrong}'
    return f'<label for="{name}">{label}</label>{_input(field, kind, attributes, value)}{wrong}'


def _input(field: JsonObject, kind: str, attributes: str, value: JsonValue) -> str:
    text = "" if value is None else str(value)
    if kind == "textarea":
        return f"<textarea {attributes}>{escape(text)}</textarea>"
    if kind == "select":
        options = field.get("options")
        listed = [str(option) for option in (options if isinstance(options, list) else [])]
        return f"<select {attributes}>{''.join(_option(option, text) for option in ['', *listed])}</select>"
    step = ' step="any"' if kind == "number" else ""
    return f'<input type="{kind}" {attributes}{step} value="{escape(text)}">'


def _option(option: str, chosen: str) -> str:
    return f'<option value="{escape(option)}"{" selected" if option == chosen else ""}>{escape(option)}</option>'


def _bad(issue: Issue) -> str:
    return f'<p class="bad">{escape(issue.message)}</p>'
