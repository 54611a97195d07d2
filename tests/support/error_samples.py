"""Every error of the catalogue, with sample facts, by the name of its function."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any

from modegate.domain.budgets.account import GATEWAY, Account, Balance, Unit
from modegate.domain.budgets.window import Period, Window
from modegate.domain.errors import GatewayError, Remedy
from modegate.domain.errors.catalogue import (
    access,
    backend,
    batches,
    body,
    budgets,
    claude_code,
    configuration,
    credentials,
    dialects,
    keys,
    ledger,
    limits,
    media,
    messages,
    parameters,
    routing,
    sessions,
    storage,
    tool_results,
    tools,
    upstream,
    usage,
)
from modegate.domain.quota import Limit, Quota

AREAS: tuple[ModuleType, ...] = (
    access,
    backend,
    batches,
    body,
    budgets,
    claude_code,
    configuration,
    credentials,
    dialects,
    keys,
    ledger,
    limits,
    media,
    messages,
    parameters,
    routing,
    sessions,
    storage,
    tools,
    tool_results,
    upstream,
    usage,
)
EXHAUSTED = Balance(
    Account(GATEWAY, Unit.NANO_USD, Period.MONTH),
    Window(1_793_491_200, 1_796_083_200),
    500_000_000_000,
    499_999_500_000,
)
MINUTE = Account("key_a", Unit.TOKENS, Period.MINUTE)
SESSION = "2cb703a8-f70b-4e7f-b4f6-d3b3a057d8e1"
WHERE = "messages[2]"
IMAGE = f"{WHERE}.content[1].image_url"
TOOL = "tools[1]"
ROLES = "system, user"
# The arguments of each function that has any; a second tuple is a second case.
ARGUMENTS: Mapping[str, tuple[tuple[object, ...], ...]] = {
    "access.unknown_key": (("sk-****",),),
    "access.invalid_upstream_key": ((256,),),
    "access.unknown_admin_key": (("sk-****",),),
    "access.unusable_key": (("sk-mg-****", "disabled"),),
    "access.replaced_secret": (("sk-mg-****",),),
    "access.mode_not_allowed": (("openai-passthrough", ("claude-code",), Remedy.USE_CLAUDE_CODE),),
    "access.model_not_allowed": ((("sonnet", "gpt-4o*"),),),
    "access.no_model_to_allow": ((("sonnet",),),),
    "batches.ended": (("completed",),),
    "batches.missing": (("file", "the requests of a batch, one in a line"),),
    "batches.wrong": (("limit", "a whole number of 1 to 100"),),
    "batches.unknown_parameter": (("<b>page", ("after", "limit")),),
    "batches.no_space": ((10 * 1024**3,),),
    "keys.of_settings": (("environment",),),
    "keys.unknown_field": (("limit", ("rpm", "tpm")),),
    "keys.wrong_field": (("rpm", "must be a whole number of 1 to 9"),),
    "body.no_json": ((3, 7),),
    "claude_code.rate_limited": ((None,), (4.2,)),
    "claude_code.failed": ((None,), (4.2,)),
    "claude_code.too_slow": ((300.0,),),
    "parameters.unknown_response_format": ((("text", "json_object"),),),
    "parameters.invalid_schema": (("is no object",),),
    "claude_code.answer_too_long": ((10_000_000,),),
    "claude_code.stderr_too_long": ((1_000_000,),),
    "limits.too_many_requests": ((Limit("address", 60, 60.0), 8.5, Quota(60, 0, 0.0)),),
    "limits.too_many_wrong_keys": ((60.0,),),
    "limits.too_many_at_once": ((10,),),
    "limits.no_slot": ((5.0,),),
    "budgets.exceeded": ((EXHAUSTED, 90.0), (replace(EXHAUSTED, account=MINUTE), 9.5)),
    "media.no_url": ((IMAGE,),),
    "media.no_data_url": ((IMAGE,),),
    "media.wrong_scheme": ((IMAGE,),),
    "media.host_not_allowed": ((IMAGE,),),
    "media.not_fetched": ((IMAGE, "it did not answer in time"),),
    "media.too_many_links": ((IMAGE, 20),),
    "media.broken_base64": ((IMAGE,),),
    "media.no_data": ((IMAGE,),),
    "media.no_image": ((IMAGE,),),
    "media.broken_image": ((IMAGE,),),
    "media.image_too_large": (
        (
            IMAGE,
            5_242_880,
        ),
    ),
    "media.too_many_pixels": (
        (
            IMAGE,
            8000,
        ),
    ),
    "media.too_much": ((5_242_880,),),
    "media.no_file": ((IMAGE,),),
    "media.file_id": ((IMAGE,),),
    "media.unknown_file": ((IMAGE,),),
    "media.text_too_long": (
        (
            IMAGE,
            5_242_880,
        ),
    ),
    "media.wrong_role": ((IMAGE,),),
    "messages.no_list": ((100,),),
    "messages.no_object": ((WHERE,),),
    "messages.no_role": ((WHERE, ROLES),),
    "messages.unknown_role": ((WHERE, ROLES),),
    "messages.too_long": ((WHERE, 500_000),),
    "messages.empty": ((WHERE,),),
    "messages.no_content": ((f"{WHERE}.content",),),
    "messages.wrong_content": ((f"{WHERE}.content",),),
    "messages.no_text_part": ((f"{WHERE}.content[0]",),),
    "messages.orphan_result": ((WHERE,),),
    "parameters.unsupported": (("logprobs",),),
    "tools.no_list": (("tools",),),
    "tools.no_object": ((TOOL,),),
    "tools.missing": ((f"{TOOL}.function",),),
    "tools.unknown_kind": ((f"{TOOL}.type",),),
    "tools.no_name": ((f"{TOOL}.function.name",),),
    "tools.wrong_name": ((f"{TOOL}.function.name", 64),),
    "tools.name_twice": (("tools", "weather"),),
    "tools.too_many": (("tools", 128, 129),),
    "tools.too_large": (("tools", 512 * 1024),),
    "tools.schema_too_deep": ((f"{TOOL}.function.parameters", 100),),
    "tools.wrong_choice": (("tool_choice", '"none" or "auto"'),),
    "tools.unknown_choice": (("tool_choice", "tools", "weather"),),
    "tools.choice_without_tools": (("tool_choice", "tools"),),
    "tool_results.missing": ((("call_1",),),),
    "tool_results.repeated": ((("call_1",),),),
    "tool_results.unknown": ((("call_1",),),),
    "parameters.wrong_type": (("n", "a whole number of at least 1"),),
    "parameters.wrong_model_length": ((256,),),
    "parameters.unknown_model": ((("opus", "gpt-4o-*", "default"),),),
    "configuration.not_reloaded": ((["port: is wrong", "host: is wrong"],),),
    "credentials.all_cooling": ((12.3,),),
    "dialects.missing": (("max_tokens", "a whole number of at least 1"),),
    "dialects.unknown_kind": (("messages[0].content[1]", ("text", "tool_result")),),
    "dialects.too_long_to_continue": ((5000,),),
    "dialects.unknown_item": (("input[2]",),),
    "dialects.no_user": (("input",),),
    "dialects.unsupported": (("messages[0].content[1]", "image"),),
    "dialects.untranslatable": (("n",),),
    "dialects.unavailable_tool": (("web_search",),),
    "routing.unrouted_model": ((("gpt-*", "kimi/*"),),),
    "routing.own_key_elsewhere": (("kimi", "openai"),),
    "routing.lacks_capability": (("image", ("text", "audio")),),
    "routing.other_kind": (("anthropic",),),
    "routing.shared_key": ((), ("previous_response_id",)),
    "sessions.unknown": ((SESSION,),),
    "ledger.later_schema": ((99, 1),),
    "storage.later_format": ((99, 2),),
    "storage.store_too_old": (("6.2.14",),),
    "upstream.not_http": ((600,),),
    "upstream.unreadable": (("invalid framing",),),
    "upstream.no_error_body": ((404,),),
    "upstream.invalid_json": (("incomplete JSON",),),
    "upstream.no_completion": (("a web page",), ("a web page", "A firewall blocked the request.")),
    "upstream.reported": (
        (500, "Internal error"),
        (429, "Too many."),
        (529, "Overloaded"),
        (500, ""),
    ),
    "upstream.stream_failed": (("Overloaded.",), ("",)),
    "upstream.redirected": ((301, "https://elsewhere.example"),),
    "upstream.empty": (("an empty body",),),
    "usage.wrong_time": (("since",),),
    "usage.wrong_choice": (("format", ("json", "csv")),),
    "usage.wrong_groups": ((("key", "day"),),),
    "usage.wrong_limit": ((1000,),),
    "usage.no_value": (("key", 1024),),
    "usage.unknown_parameter": (("groupby", ("from", "to")), ("<b>", ("from", "to"))),
    "usage.too_many_groups": ((10_000,),),
    "usage.too_slow": ((10.0,),),
    "upstream.event_too_long": ((16 * 1024 * 1024,),),
    "upstream.answer_too_long": ((64 * 1024 * 1024,),),
}


def _samples() -> Iterator[tuple[str, GatewayError]]:
    for area in AREAS:
        short = area.__name__.rpartition(".")[2]
        for name, made in vars(area).items():
            if getattr(made, "__module__", None) == area.__name__ and callable(made):
                cases = ARGUMENTS.get(f"{short}.{name}", ((),))
                for i, arguments in enumerate(cases):
                    yield f"{short}.{name}{'-again' * i}", made(*arguments)


SAMPLES: Mapping[str, GatewayError] = dict(_samples())


def own_subclass(error: GatewayError, **attributes: object) -> GatewayError:
    """The same error, of a class that modegate has not heard of."""
    kind: Any = type("OwnError", (type(error),), attributes)
    copy = kind.__new__(kind, *error.args)
    vars(copy).update(vars(error))
    assert isinstance(copy, GatewayError)
    return copy
