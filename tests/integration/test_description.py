"""`/openapi.json` and `/docs` as a running gateway serves them."""

import dataclasses
import json
from typing import Any

import falcon.inspect
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from support.gateway import GatewayFactory
from support.openapi import DOCUMENT, FACTS

from modegate.entrypoints.bootstrap.http import build_app
from modegate.entrypoints.http.openapi.document import build_document
from modegate.entrypoints.http.openapi.page import POLICY

BOTH = ("/openapi.json", "/docs")
PLAIN = "default-src 'none'"
METHODS = {"GET", "POST", "PATCH", "DELETE"}


async def test_the_openapi_document_reflects_the_gateways_settings(gateway: GatewayFactory) -> None:
    async with gateway() as plain:
        response = await plain.http.get("/openapi.json")
    assert response.headers["content-type"] == "application/json"
    assert response.headers["content-security-policy"] == PLAIN
    document = response.json()
    document["info"]["version"] = FACTS.version
    health = document["paths"]["/health"]
    assert document == {**json.loads(json.dumps(DOCUMENT)), "paths": document["paths"]}
    assert health.keys() == {"get"}
    async with gateway(
        api_key="sk-cca-one-1234567890", models={"mine": "opus"}, max_body_bytes=2048
    ) as own:
        document = (await own.http.get("/openapi.json")).json()
    OpenAPIV31SpecValidator(document).validate()
    model = document["components"]["schemas"]["ClaudeCodeRequest"]["properties"]["model"]
    assert "mine" in model["anyOf"][0]["enum"]
    chat = document["paths"]["/v1/chat/completions"]["post"]
    assert chat["security"] == [{"key": []}]
    assert "2048" in chat["requestBody"]["description"]


async def test_the_openapi_document_describes_every_route(gateway: GatewayFactory) -> None:
    async with gateway() as running:
        app: Any = build_app(running.container)._app  # noqa: SLF001 - the framework's own
    served = {
        (route.path.replace(":path", ""), method.method)
        for route in falcon.inspect.inspect_routes(app)
        for method in route.methods
        if method.method in METHODS and not method.internal
    }
    # Without a key of an operator, the admin API is served as if it did not exist.
    described = build_document(dataclasses.replace(FACTS, has_admin=True))
    assert served == {
        (path, method.upper())
        for path, item in described["paths"].items()
        for method in item
        if method.upper() in METHODS
    }


async def test_the_docs_page_has_its_own_content_security_policy(gateway: GatewayFactory) -> None:
    async with gateway() as running:
        page = await running.http.get("/docs")
        live = await running.http.get("/live")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    assert page.text.startswith("<!doctype html>")
    assert live.headers["content-security-policy"] == PLAIN


@pytest.mark.parametrize("path", BOTH)
async def test_openapi_json_and_docs_need_no_key_and_are_not_rate_limited(
    path: str, gateway: GatewayFactory
) -> None:
    async with gateway(api_key="sk-cca-one-1234567890", rate_limit_per_ip=1) as running:
        for _ in range(3):
            response = await running.http.get(path)
            assert response.status_code == 200
            assert response.headers["X-RateLimit-Remaining"] == "1"
        head = await running.http.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(response.content))
        refused = await running.http.post(path)
    assert refused.status_code == 405
    assert set(refused.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
