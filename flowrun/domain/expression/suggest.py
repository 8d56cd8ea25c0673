"""Guesses what something that does not exist was meant to be."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_ELSEWHERE = {
    "a + b": "concat concatenate",
    "any(x.n > 1 for x in items)": "some exists",
    "all(x.n > 1 for x in items)": "every",
    "default(value, fallback)": "ifnull ifempty nvl orelse",
    "first(x for x in items if x.n > 1)": "findfirst detect",
    "float(value) or int(value)": "number tonumber parsenumber",
    "float(value)": "parsefloat tofloat double decimal",
    "format_date(value, pattern)": "formatdatetime dateformat strftime datetostring",
    "int(value)": "parseint toint integer",
    "items + [value]": "append push",
    "json(value)": "tojson stringify jsonstringify dumps",
    "len(value)": "length size strlen",
    "lower(text)": "lowercase tolower tolowercase lcase downcase",
    "now()[:10]": "today",
    "not value": "isempty empty",
    "parse_json(text)": "fromjson jsonparse loads",
    "part in whole": "includes instr",
    "sum(items) / len(items)": "average avg mean",
    "sorted(items)": "sort orderby",
    "text(value)": "string tostring",
    "text[start:end]": "substring substr slice left right mid",
    "type_of(value)": "typeof",
    "upper(text)": "uppercase toupper touppercase ucase upcase",
    "url_encode(value)": "urlencode encodeuri encodeuricomponent",
    "[x for x in items if x.n > 1]": "filter where select",
    "[x.n for x in items]": "map collect",
}
_HERE = {name: here for here, names in _ELSEWHERE.items() for name in names.split()}
_OPERATORS = {
    "===": "==",
    "!==": "!=",
    "=>": "[x.n for x in items]",
    "??": "default(a, b)",
    "?.": "a.b, which is null where there is nothing",
    "?": "a if condition else b",
    "|": "function(value)",
    "$": "input, trigger, nodes or vars",
    "`": "'text' + value",
}
_OPERATOR = re.compile(r"===|!==|=>|\?\?|\?\.|[?$`]|\|(?!\|)")


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint at what does here what a name does elsewhere, or at the most similar one.

    It is to be put at the end of a message; "" when there is neither.
    """
    here = _HERE.get(name.replace("_", "").lower())
    if here is not None:
        return f"; write {here}"
    found = difflib.get_close_matches(name[:50], list(known), n=1, cutoff=0.6)
    return f"; did you mean {found[0]!r}?" if found else ""


def foreign(source: str, position: int) -> str | None:
    """Return what is wrong with an operator of another language that stands there; None when there is none."""
    found = _OPERATOR.match(source, position)
    if found is None:
        return None
    word = found.group()
    return f"{word!r} is not part of the language; write {_OPERATORS[word]}"
