"""The OpenAPI document: valid, complete and consistent with the SDK's types."""

import dataclasses
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from openai.types import Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openapi_spec_validator import OpenAPIV31SpecValidator
from support.openapi import CHAT, DOCUMENT, FACTS

from modegate.domain.parameters.param_policy import CLAUDE_CODE_RULES, Tier
from modegate.domain.routing.model_map import BUILT_IN_MODELS, ModelMap
from modegate.entrypoints.http.messages.errors import FRAMEWORK, STATUSES
from modegate.entrypoints.http.middleware.response_headers import SECURITY_HEADERS
from modegate.entrypoints.http.middleware.route import EXPOSED_HEADERS
from modegate.entrypoints.http.openapi import admin, admin_control, admin_keys
from modegate.entrypoints.http.openapi.document import build_document
from modegate.entrypoints.http.openapi.page import render_page
from modegate.entrypoints.http.openapi.resource import Description

WITH_ADMIN: dict[str, Any] = build_document(dataclasses.replace(FACTS, has_admin=True))
COMPONENTS = DOCUMENT["components"]
ANSWER = DOCUMENT["paths"][CHAT]["post"]["responses"]["200"]["content"]
STREAM_ONLY_CODES = {"stream_error"}


def operations(document: dict[str, Any] = DOCUMENT) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in ("get", "post", "patch", "delete"):
            if method in item:
                yield f"{method} {path}", item[method]


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in node:
        return node
    *_, kind, name = node["$ref"].split("/")
    found: dict[str, Any] = COMPONENTS[kind][name]
    return found


def contents() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Yields every request and response body with its examples."""
    for name, operation in operations():
        bodies = [("request", operation["requestBody"])] if "requestBody" in operation else []
        for status, response in (*bodies, *operation["responses"].items()):
            for media_type, content in response["content"].items():
                values = {
                    key: resolved(it)["value"] for key, it in content.get("examples", {}).items()
                }
                yield f"{name} {status} {media_type}", content, values


def test_the_document_is_valid_openapi_3_1() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_the_admin_api_is_described_where_there_is_one() -> None:
    OpenAPIV31SpecValidator(WITH_ADMIN).validate()
    added = WITH_ADMIN["paths"].keys() - DOCUMENT["paths"].keys()
    assert len(added) == 12
    assert all(path.startswith("/admin/") for path in added)
    schemas = WITH_ADMIN["components"]["schemas"]
    examples = (
        ("Credential", admin.CREDENTIAL),
        ("Upstream", admin.UPSTREAM),
        ("Key", admin_keys.KEY),
        ("KeyWithSecret", admin_keys.WITH_SECRET),
        ("KeyChange", admin_keys.RULES),
        ("NewKey", admin_keys.RULES | {"name": "a", "budget": admin_keys.BUDGET}),
        ("ReloadResult", admin_control.RELOADED),
        ("Config", admin_control.CONFIG),
    )
    for name, example in examples:
        jsonschema.validate(example, schemas[name])
        assert set(example) <= set(schemas[name]["properties"])


@pytest.mark.parametrize(
    ("content", "values"), [pytest.param(*rest, id=name) for name, *rest in contents()]
)
def test_every_example_matches_its_schema(content: dict[str, Any], values: dict[str, Any]) -> None:
    schema = {**content.get("schema", {}), "components": COMPONENTS}
    validator = jsonschema.Draft202012Validator(schema)
    for value in values.values():
        for item in (
            [{"data": data} for data in events(value)] if isinstance(value, str) else [value]
        ):
            validator.validate(item)


def events(stream: str) -> list[str]:
    return [line.removeprefix("data: ") for line in stream.split("\n\n") if line]


def test_the_sdk_parses_the_examples() -> None:
    (whole,) = (it["value"] for it in ANSWER["application/json"]["examples"].values())
    answer = ChatCompletion.model_validate(whole, strict=True)
    assert answer.usage is not None
    assert answer.usage.total_tokens == 31
    *chunks, done = events(ANSWER["text/event-stream"]["examples"]["whole"]["value"])
    read = [ChatCompletionChunk.model_validate_json(chunk, strict=True) for chunk in chunks]
    text = "".join(it.choices[0].delta.content or "" for it in read if it.choices)
    assert (text, done) == (answer.choices[0].message.content, "[DONE]")
    assert read[-1].usage == answer.usage
    listed = DOCUMENT["paths"]["/v1/models"]["get"]["responses"]["200"]["content"]
    for model in listed["application/json"]["examples"]["models"]["value"]["data"]:
        Model.model_validate(model, strict=True)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("ChatCompletion", ChatCompletion), ("ChatCompletionChunk", ChatCompletionChunk)],
)
def test_schemas_have_all_required_and_only_known_fields_of_the_sdk(name: str, kind: Any) -> None:
    ours, theirs = COMPONENTS["schemas"][name], kind.model_json_schema()
    assert set(theirs["required"]) <= set(ours["required"])
    assert set(ours["properties"]) <= set(theirs["properties"])


def test_the_stream_error_example_has_an_error_and_no_finish_reason() -> None:
    *chunks, error, done = events(ANSWER["text/event-stream"]["examples"]["stream_error"]["value"])
    assert json.loads(error)["error"]["code"] == "stream_error"
    assert not any('"finish_reason":"' in chunk for chunk in chunks)
    assert done == "[DONE]"


def test_every_error_status_and_code_is_documented() -> None:
    shown = {
        (int(status), code)
        for _, operation in operations(WITH_ADMIN)
        for status, response in operation["responses"].items()
        if status != "default"
        for code in next(iter(response["content"].values())).get("examples", ())
    }
    shown |= {(int(s), c) for s, (c, _) in FRAMEWORK.items() if c in COMPONENTS["responses"]}
    expected = {(status, kind.code) for kind, (status, _) in STATUSES.items()}
    expected |= {(status, code) for status, (code, _) in FRAMEWORK.items()}
    assert {(s, c) for s, c in expected if c not in STREAM_ONLY_CODES} <= shown
    assert {kind.code for kind in STATUSES} - STREAM_ONLY_CODES <= COMPONENTS["examples"].keys()


def test_every_exposed_or_security_header_is_documented() -> None:
    assert {*EXPOSED_HEADERS, *SECURITY_HEADERS} <= COMPONENTS["headers"].keys()


def test_every_request_parameter_documents_its_tier() -> None:
    properties = COMPONENTS["schemas"]["ClaudeCodeRequest"]["properties"]
    documented = {name: schema["x-claude-code"] for name, schema in properties.items()}
    assert documented == {name: rule.tier.name.lower() for name, rule in CLAUDE_CODE_RULES.items()}
    assert {tier.name.lower() for tier in Tier} == set(documented.values())


REFUSED = [name for name, rule in CLAUDE_CODE_RULES.items() if rule.tier is Tier.REFUSED]
VALUES: tuple[object, ...] = (
    *(None, "", " ", "x", "none", "auto", "text", 0, 1, 1.0, 2, 2.0, 0.5, True, False),
    *([], [[]], [{}], ["text"], ["text", None], ["audio"], [{"name": "x"}]),
    *({}, {"x": {}}, {"x": 0}, {"x": 1}, {"type": "text"}, {"type": "auto"}, {"type": "x"}),
    *({"type": "content", "content": content} for content in ("", "x", [], [{"type": "text"}])),
)


@pytest.mark.parametrize("name", REFUSED)
def test_schemas_of_refusable_parameters_match_the_parameter_rules(name: str) -> None:
    rule = CLAUDE_CODE_RULES[name]
    schema = COMPONENTS["schemas"]["ClaudeCodeRequest"]["properties"][name]
    validator = jsonschema.Draft202012Validator(schema | {"components": COMPONENTS})
    for value in VALUES:
        accepted = rule.is_valid(value) and rule.tier_of(value) is not Tier.REFUSED
        assert validator.is_valid(value) is (accepted or value is None), value


def test_the_document_reflects_the_operators_settings() -> None:
    facts = dataclasses.replace(
        FACTS,
        models=ModelMap({**BUILT_IN_MODELS, "mine": "opus", "mine-*": "haiku"}),
        max_body=2048,
        wants_key=True,
        wants_metrics_token=True,
    )
    document: dict[str, Any] = build_document(facts)
    OpenAPIV31SpecValidator(document).validate()
    model = document["components"]["schemas"]["ClaudeCodeRequest"]["properties"]["model"]
    validator = jsonschema.Draft202012Validator(model)
    assert validator.is_valid("mine")
    assert validator.is_valid("mine-2")
    assert not validator.is_valid("mined")
    chat = document["paths"][CHAT]["post"]
    assert chat["security"] == [{"key": []}]
    assert "2048" in chat["requestBody"]["description"]
    assert document["paths"]["/metrics"]["get"]["security"] == [{"metrics_token": []}]


def test_document_and_page_are_built_once() -> None:
    description = Description(lambda: FACTS)
    assert description.document is description.document
    assert description.page is description.page


def test_importing_the_server_does_not_import_the_document_builder() -> None:
    code = (
        "import sys; import modegate.entrypoints.http.server.server; "
        "sys.exit('modegate.entrypoints.http.openapi.document' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_page_contains_the_whole_document_and_loads_no_resources() -> None:
    page = render_page(DOCUMENT).decode()
    for name, operation in operations():
        assert name.split()[1] in page
        assert f'id="{operation["operationId"]}"' in page
    for name in (*COMPONENTS["examples"], *COMPONENTS["headers"], *COMPONENTS["schemas"]):
        assert f"<code>{name}</code>" in page, name
    assert not re.search(r"<script|<link|<img|\ssrc=|\son\w+=|url\(|https?:", page)


def test_the_page_escapes_html() -> None:
    facts = dataclasses.replace(FACTS, version="<b>1</b>")
    page = render_page(build_document(facts)).decode()
    assert "<b>1" not in page
    assert "&lt;b&gt;1" in page
