"""The OpenAPI document and a page to read it, made from the route table."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from html import escape
from http import HTTPStatus
from typing import Any

from flowrun import __version__
from flowrun.api.operation import Operation, Param

_PATH_PARAM = re.compile(r"\{([a-z_]+)(?::path)?\}")
_SCHEMAS: dict[str, dict[str, Any]] = {
    "any": {},
    "string": {"type": "string"},
    "time": {"type": "string", "format": "date-time"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "object": {"type": "object"},
    "strings": {"type": "array", "items": {"type": "string"}},
}
_WEBHOOK_METHODS = ("get", "post", "put", "patch", "delete")


@lru_cache(maxsize=4)
def openapi(operations: tuple[Operation, ...]) -> dict[str, Any]:
    """OpenAPI 3.1 of these operations, and of the webhooks."""
    paths: dict[str, dict[str, Any]] = {"/webhooks/{tenant}/{path}": _webhooks()}
    for operation in operations:
        path = _PATH_PARAM.sub(r"{\1}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "flowrun", "version": __version__},
        "paths": paths,
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "bearerFormat": "fr_<id>_<secret>"}},
            "schemas": {"Problem": _PROBLEM},
        },
        "security": [{"key": []}],
    }


_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["path", "message"],
                "properties": {name: {"type": "string"} for name in ("path", "message", "suggestion")},
            },
        },
    },
}
_ERROR = {
    "description": "A problem.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def _operation(operation: Operation) -> dict[str, Any]:
    parameters = [_path_parameter(name) for name in _PATH_PARAM.findall(operation.path)]
    parameters += [_parameter(param) for param in operation.query]
    document: dict[str, Any] = {
        "summary": operation.summary,
        "operationId": _operation_id(operation),
        "parameters": parameters,
        "responses": {
            **{str(status): {"description": text} for status, text in operation.answers.items()},
            "default": _ERROR,
        },
    }
    if operation.method == "POST" and operation.body is not None:
        about = "The same key and body are answered as the first time, for 24 hours."
        header = {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string"}, "description": about}
        parameters.append(header)
    if operation.body:
        document["requestBody"] = {"content": {"application/json": {"schema": _body_schema(operation.body)}}}
    elif operation.accepts:
        content = {kind: {"schema": {"type": "object"}} for kind in operation.accepts}
        document["requestBody"] = {"required": True, "content": content}
    if operation.public:
        document["security"] = []
    return document


def _operation_id(operation: Operation) -> str:
    words = re.sub(r"[^a-z]+", "_", operation.path.removeprefix("/api/v1").lower()).strip("_")
    return f"{operation.method.lower()}_{words}"


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _parameter(param: Param) -> dict[str, Any]:
    return {
        "name": param.name,
        "in": "query",
        "required": param.required,
        "description": param.about,
        "schema": _schema(param),
    }


def _schema(param: Param) -> dict[str, Any]:
    schema = dict(_SCHEMAS[param.kind])
    if param.choices and param.kind == "strings":
        schema["items"] = {"type": "string", "enum": [str(choice) for choice in param.choices]}
    elif param.choices:
        schema["enum"] = [str(choice) for choice in param.choices]
    if param.default not in (None, (), ""):
        schema["default"] = list(param.default) if isinstance(param.default, tuple) else param.default
    return schema


def _body_schema(body: Iterable[Param]) -> dict[str, Any]:
    fields = list(body)
    schema: dict[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {param.name: {**_schema(param), "description": param.about} for param in fields},
    }
    required = [param.name for param in fields if param.required]
    if required:
        schema["required"] = required
    return schema


def _webhooks() -> dict[str, Any]:
    answers = {
        "200": {"description": "The workflow's own answer, where it is configured to give one."},
        "202": {"description": "Stored and started: `{execution_ids, executions: [{execution_id, status_url}]}`."},
        "401": {**_ERROR, "description": "No webhook there believes the sender; always the same problem."},
        "429": {**_ERROR, "description": "Too many requests; `Retry-After` has the seconds to wait."},
        "default": _ERROR,
    }
    document = {
        "summary": "Start every published workflow that listens on this path",
        "parameters": [_path_parameter("tenant"), _path_parameter("path")],
        "responses": answers,
        "security": [],
    }
    return {method: {**document, "operationId": f"{method}_webhook"} for method in _WEBHOOK_METHODS}


@lru_cache(maxsize=4)
def docs_page(operations: tuple[Operation, ...]) -> str:
    """The operations as one HTML page that needs nothing from elsewhere."""
    rows = "\n".join(_row(operation) for operation in operations)
    return _PAGE.format(version=escape(__version__), rows=rows)


def _row(operation: Operation) -> str:
    details = "".join(_detail(param, "query") for param in operation.query)
    details += "".join(_detail(param, "body") for param in operation.body or ())
    if operation.accepts:
        details += f"<li>body: {escape(' or '.join(operation.accepts))}</li>"
    details += "".join(
        f"<li>{status} {escape(HTTPStatus(status).phrase)}: {escape(text)}</li>"
        for status, text in operation.answers.items()
    )
    return (
        f"<details><summary><b>{operation.method}</b> <code>{escape(operation.path)}</code> "
        f"{escape(operation.summary)}</summary><ul>{details}</ul></details>"
    )


def _detail(param: Param, place: str) -> str:
    needed = ", required" if param.required else ""
    choices = f" One of {', '.join(param.choices)}." if param.choices else ""
    return f"<li>{place} <code>{escape(param.name)}</code> ({param.kind}{needed}): {escape(param.about + choices)}</li>"


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>flowrun API</title>
<meta name="viewport" content="width=device-width">
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}
summary {{ cursor: pointer; padding: .3rem 0 }}
code {{ background: #8882; padding: .1rem .3rem; border-radius: .2rem }}
</style></head><body>
<h1>flowrun {version}</h1>
<p>Send <code>Authorization: Bearer fr_…</code>. Errors are <code>application/problem+json</code>.
The same as data: <a href="/openapi.json">/openapi.json</a>.</p>
<p>Webhooks: any method on <code>/webhooks/{{tenant}}/{{path}}</code>, without a key.</p>
{rows}
</body></html>
"""
