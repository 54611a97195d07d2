"""Renders the document as a static HTML page, without scripts and external resources."""

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any

Node = Mapping[str, Any]

SECTIONS = ("parameters", "headers", "bodies", "errors")
METHODS = ("get", "post", "patch", "delete")
CODE = re.compile(r"`([^`]+)`")
STYLE = """
:root{color-scheme:light dark;--line:#8884;--soft:#8882}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:auto;padding:1rem}
h2{border-top:1px solid var(--line);padding-top:1rem;margin-top:2rem}
code,pre{font:14px/1.45 ui-monospace,monospace;background:var(--soft);border-radius:4px}
code{padding:.1em .3em;overflow-wrap:anywhere}
pre{padding:.7rem;overflow:auto}
pre code{padding:0;background:none}
table{border-collapse:collapse;width:100%}
td,th{border-bottom:1px solid var(--line);padding:.3rem .6rem .3rem 0;text-align:left}
td,th{vertical-align:top}
summary{cursor:pointer}
"""
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'"


def render_page(document: Node) -> bytes:
    """Returns the page as HTML in UTF-8."""
    info, components = document["info"], document["components"]
    title = f"{escape(info['title'])} {escape(info['version'])}"
    return "\n".join(
        (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title}</title><style>{STYLE}</style></head><body>",
            f"<h1>{title}</h1><p>{_prose(info['description'])}</p>",
            '<p>For programs: <a href="/openapi.json">openapi.json</a>.</p>',
            *_contents(document),
            *(line for entry in _operations(document) for line in _operation(document, *entry)),
            *_parameters(components["schemas"]["ClaudeCodeRequest"]),
            *_headers(components["headers"]),
            *_schemas(components["schemas"]),
            *_errors(components["examples"]),
            "</body></html>",
        )
    ).encode()


def _operations(document: Node) -> Iterator[tuple[str, str, Node, Iterable[Node]]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method.upper(), path, item[method], item.get("parameters", ())


def _contents(document: Node) -> Iterator[str]:
    yield "<ul>"
    for method, path, operation, _ in _operations(document):
        link = f'<a href="#{operation["operationId"]}"><code>{method} {escape(path)}</code></a>'
        yield f"<li>{link} {escape(operation['summary'])}</li>"
    for section in SECTIONS:
        yield f'<li><a href="#{section}">{section.title()}</a></li>'
    yield "</ul>"


def _operation(
    document: Node, method: str, path: str, operation: Node, shared: Iterable[Node]
) -> Iterator[str]:
    yield f'<h2 id="{operation["operationId"]}"><code>{method} {escape(path)}</code></h2>'
    yield f"<p>{escape(operation['summary'])}. {_prose(operation.get('description', ''))}</p>"
    sent = [
        (f"<code>{escape(it['name'])}</code>", escape(it["in"]), _prose(it["description"]))
        for it in (*shared, *operation.get("parameters", ()))
    ]
    yield from _table(("parameter", "in", "meaning"), sent)
    if body := operation.get("requestBody"):
        yield f"<p>The body: {_prose(body['description'])}</p>"
        yield from _examples(document, body["content"])
    for status, response in operation["responses"].items():
        yield f"<h4>{escape(status)}</h4><p>{_prose(response['description'])}</p>"
        if status.startswith("2"):
            yield from _examples(document, response["content"])


def _parameters(request: Node) -> Iterator[str]:
    yield '<h2 id="parameters">Parameters of Claude Code</h2>'
    yield f"<p>{_prose(request['description'])}</p>"
    rows = [
        (
            f"<code>{escape(name)}</code>",
            escape(schema["x-claude-code"]),
            _prose(schema["description"]),
        )
        for name, schema in request["properties"].items()
    ]
    yield from _table(("parameter", "handling", ""), rows)


def _headers(headers: Node) -> Iterator[str]:
    yield '<h2 id="headers">Response headers</h2>'
    rows = [
        (
            f"<code>{escape(name)}</code>",
            "always" if header["required"] else "",
            _prose(header["description"]),
        )
        for name, header in headers.items()
    ]
    yield from _table(("header", "", "value"), rows)


def _examples(document: Node, content: Node) -> Iterator[str]:
    for media_type, body in content.items():
        for name, example in body.get("examples", {}).items():
            value = _resolve(document, example)["value"]
            yield f"<details><summary>{escape(media_type)}: {escape(name)}</summary>"
            yield f"{_block(value)}</details>"


def _schemas(schemas: Node) -> Iterator[str]:
    yield '<h2 id="bodies">Bodies</h2>'
    for name, schema in schemas.items():
        yield f"<details><summary><code>{escape(name)}</code> "
        yield f"{_prose(schema.get('description', ''))}</summary>{_block(schema)}</details>"


def _errors(examples: Node) -> Iterator[str]:
    yield '<h2 id="errors">Errors</h2>'
    rows = [
        (
            f"<code>{escape(code)}</code>",
            escape(example["summary"]),
            _prose(example["value"]["error"]["message"]),
        )
        for code, example in examples.items()
    ]
    yield from _table(("code", "meaning", "message"), rows)


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    yield f"<table><tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr>"
    for row in rows:
        yield f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>"
    yield "</table>"


def _block(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return f"<pre><code>{escape(text)}</code></pre>"


def _prose(text: str) -> str:
    return CODE.sub(r"<code>\1</code>", escape(text, quote=False))


def _resolve(document: Node, node: Node) -> Node:
    if "$ref" not in node:
        return node
    found: Any = document
    for name in node["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    resolved: Node = found
    return resolved
