import json

import pytest

from modegate.domain.routing.hints import (
    BILLING,
    FIREWALL,
    MARKERS,
    MODEL_ACCESS,
    PERMISSION,
    QUOTA,
    REGION,
    SEARCHED_BYTES,
    hint_for,
    is_out_of_quota,
)

HINTS = (PERMISSION, BILLING, QUOTA, REGION, MODEL_ACCESS, FIREWALL)


def openai(message: str, code: str | None = None, kind: str = "invalid_request_error") -> bytes:
    error = {"message": message, "type": kind, "param": None, "code": code}
    return json.dumps({"error": error}).encode()


def google(message: str, status: str, **more: object) -> bytes:
    return json.dumps([{"error": {"message": message, "status": status, **more}}]).encode()


def anthropic(kind: str, message: str) -> bytes:
    return json.dumps({"type": "error", "error": {"type": kind, "message": message}}).encode()


SPENT = (
    "You exceeded your current quota, please check your plan and billing details. For more "
    "information on this error, read the docs."
)
# Words of the providers' documentation and of error reports of their clients.
ANSWERS: dict[str, tuple[int, bytes, str | None]] = {
    "OpenAI: no credit": (429, openai(SPENT, "insufficient_quota", "insufficient_quota"), BILLING),
    "OpenAI: no credit, as plain text": (429, SPENT.encode(), BILLING),
    "OpenAI: inactive": (429, openai("Your account is not active, please check your billing details on our website.", "billing_not_active"), BILLING),
    "OpenAI: hard limit": (400, openai("Billing hard limit has been reached", "billing_hard_limit_reached"), BILLING),
    "Anthropic: no credit": (400, anthropic("invalid_request_error", "Your credit balance is too low to access the Anthropic API."), BILLING),
    "DeepSeek: no credit": (402, openai("Insufficient Balance"), BILLING),
    "a bare 402": (402, b"", BILLING),
    "Google: billing": (403, google("This API method requires billing to be enabled.", "PERMISSION_DENIED"), BILLING),
    "Google: per minute": (429, google(f"{SPENT} Please retry in 37.4s.", "RESOURCE_EXHAUSTED", details=[{"retryDelay": "37s"}]), QUOTA),
    "Google: quota": (429, google("Resource has been exhausted (e.g. check quota).", "RESOURCE_EXHAUSTED"), QUOTA),
    "OpenAI: rate": (429, openai("Rate limit reached for gpt-4o on tokens per min (TPM). Please try again in 6ms.", "rate_limit_exceeded", "tokens"), QUOTA),
    "Anthropic: rate": (429, anthropic("rate_limit_error", "Number of requests has exceeded your per-minute limit."), QUOTA),
    "overloaded": (429, openai("The engine is overloaded."), None),
    "OpenAI: region": (403, openai("Country, region, or territory not supported", "unsupported_country_region_territory", "request_forbidden"), REGION),
    "Google: region": (400, google("User location is not supported for the API use.", "FAILED_PRECONDITION"), REGION),
    "a bare 451": (451, b"", REGION),
    "OpenAI: model": (404, openai("The model `gpt-9` does not exist or you do not have access to it.", "model_not_found"), MODEL_ACCESS),
    "OpenAI: project": (403, openai("Project `proj_x` does not have access to model `gpt-9`", "model_not_found"), MODEL_ACCESS),
    "Anthropic: model": (404, anthropic("not_found_error", "model: claude-9"), MODEL_ACCESS),
    "DeepSeek: model": (400, openai("Model Not Exist"), MODEL_ACCESS),
    "OpenAI: scopes": (401, openai("You have insufficient permissions for this operation. Missing scopes: model.request."), PERMISSION),
    "Anthropic: permission": (403, anthropic("permission_error", "Your API key does not have permission to use the specified resource."), PERMISSION),
    "a bare 403": (403, b"", PERMISSION),
    "a wrong key": (401, openai("Incorrect API key provided: sk-x.", "invalid_api_key"), None),
    "Cloudflare": (403, b"<!DOCTYPE html>\n<title>Attention Required! | Cloudflare</title>Sorry, you have been blocked", FIREWALL),
    "Cloudflare: challenge": (503, b"<!DOCTYPE html><html><head><title>Just a moment...</title>", FIREWALL),
    "Cloudflare: text": (403, b"error code: 1020", FIREWALL),
    "Akamai": (403, b"<HTML><HEAD>\n<TITLE>Access Denied</TITLE>\n</HEAD>", FIREWALL),
    "F5, with a success": (200, b"\xef\xbb\xbf\r\n<html><head><title>Request Rejected</title>The requested URL was rejected.", FIREWALL),
    "any page of a 403": (403, b"<html><head><title>403 Forbidden</title></head>", FIREWALL),
    "a page of a broken server": (502, b"<html><title>502 Bad Gateway</title><center>cloudflare</center>", None),
    "any page": (200, b"<!doctype html><title>Welcome to nginx!</title>", None),
    "a parameter": (400, openai("Unknown parameter: 'billing'."), None),
    "a success": (200, b'{"choices": [{"message": {"content": "insufficient_quota, access denied"}}]}', None),
    "a failure": (500, openai("The server had an error"), None),
    "no status": (0, b"", None),
}  # fmt: skip


@pytest.mark.parametrize(("status", "body", "hint"), ANSWERS.values(), ids=ANSWERS)
def test_status_and_words_of_an_answer_have_one_hint(
    status: int, body: bytes, hint: str | None
) -> None:
    assert hint_for(status, body) == hint
    assert hint_for(status, body.upper()) == hint
    assert is_out_of_quota(status, body) == (hint == BILLING and status != 400)


@pytest.mark.parametrize("hint", HINTS)
def test_a_hint_fits_into_a_header_and_says_what_to_do(hint: str) -> None:
    assert hint.isascii()
    assert hint.isprintable()
    assert len(hint) <= 200
    assert hint.endswith(".")
    assert ": " in hint


def test_every_hint_is_in_the_table_and_every_word_in_lower_case() -> None:
    assert {marker.hint for marker in MARKERS} == set(HINTS)
    words = [word for marker in MARKERS for word in marker.words]
    assert words == [word.lower() for word in words]


@pytest.mark.parametrize("word", [word for marker in MARKERS for word in marker.words])
def test_no_row_hides_a_later_word_completely(word: bytes) -> None:
    (row,) = (marker for marker in MARKERS if word in marker.words)
    for body in (word, b"<html>" + word):
        for status in range(200, 600):
            if row.fits(status, body) and hint_for(status, body) == row.hint:
                return
    pytest.fail("another row always comes first")


def test_only_the_start_of_a_body_is_searched() -> None:
    late = b" " * SEARCHED_BYTES + b"insufficient_quota"
    assert hint_for(429, late) is None
    assert hint_for(429, late[1 + len(b"insufficient_quota") :]) == BILLING
    assert hint_for(403, b"x" * 50_000_000) == PERMISSION


def test_a_clients_own_words_in_an_error_do_not_put_an_account_out_of_quota() -> None:
    quoted = openai("Invalid value: 'insufficient_quota'. Supported values are: 'auto'.")
    assert not is_out_of_quota(400, quoted)
    assert not is_out_of_quota(404, quoted)
    assert not is_out_of_quota(500, quoted)
