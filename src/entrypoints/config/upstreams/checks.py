"""Faults between the values of the upstreams' tables."""

from collections.abc import Iterator, Mapping, Sequence

from modegate.domain.credentials.credential import CLIENTS_OWN
from modegate.domain.credentials.error_rules import Action
from modegate.domain.routing.mode import MODEL_PREFIX
from modegate.domain.routing.route import CLAUDE
from modegate.domain.routing.upstream import OPENAI, UpstreamKind
from modegate.domain.routing.upstream_table import SEPARATOR
from modegate.entrypoints.config.cross_field import CrossFieldError
from modegate.entrypoints.config.upstreams.places import written
from modegate.entrypoints.config.upstreams.tables import UpstreamSettings
from modegate.entrypoints.config.upstreams.views import UPSTREAMS, View, upstream_views
from modegate.entrypoints.config.value_cleaning import printable

# The id of the credential in `OPENAI_API_KEY`.
FROM_ENVIRONMENT = "env"
RESERVED_IDS = frozenset({CLAUDE, CLIENTS_OWN})
RESERVED_PREFIX = MODEL_PREFIX.removesuffix(SEPARATOR)
KEYS = ("key_env", "key_file", "key")
COOLING = frozenset({Action.COOL, Action.COOL_AND_NEXT})
DEFAULT = "default_upstream"
BY_VARIABLES = ("openai_api_key", "openai_base_url")

VERSION = "/v1"

Views = Sequence[tuple[str, View]]
# Message for a second place, from a first one.
Claims = dict[str, str]


def upstream_faults(values: Mapping[str, object]) -> Iterator[CrossFieldError]:
    """Yields every fault between the values of the settings that describe upstreams.

    `values` may have values that are wrong in themselves; they are skipped.
    """
    views = upstream_views(values.get(UPSTREAMS))
    variables = [name.upper() for name in BY_VARIABLES if values.get(name)]
    for name, view in views:
        if name == OPENAI and variables:
            both = " and ".join(variables)
            message = f"is also made by {both}: unset {both}, or remove this table"
            yield CrossFieldError(view.at(), message)
        yield from _upstream(name, view)
    yield from _ids(views, has_key=bool(values.get("openai_api_key")))
    yield from _prefixes(views)
    yield from _models(views)
    yield from _default(values.get(DEFAULT), views, has_openai=bool(variables) or not views)


def unreachable(upstreams: Mapping[str, UpstreamSettings], default: str) -> Iterator[str]:
    """Yields the places of upstreams to which no model leads."""
    for name, table in upstreams.items():
        if name != default and not (table.models or table.prefix or table.model_aliases):
            yield written((UPSTREAMS, name))


def _upstream(name: str, view: View) -> Iterator[CrossFieldError]:
    is_anthropic = view.text("kind") == UpstreamKind.ANTHROPIC
    if not (name == OPENAI or is_anthropic or view.has("base_url")):
        yield CrossFieldError(view.at("base_url"), "is missing: an address like https://host/v1")
    if is_anthropic and (view.text("base_url") or "").rstrip("/").endswith(VERSION):
        what = f"must end before {VERSION}, which is a part of Anthropic's paths"
        yield CrossFieldError(view.at("base_url"), what)
    if not view.has("credentials"):
        what = f"are missing: add [[{view.at('credentials')}]] with an id and a key"
        yield CrossFieldError(view.at("credentials"), what)
    for row in view.rows("credentials"):
        yield from _credential(row)
    for row in view.rows("error_rules"):
        yield from _rule(row)
    yield from _headers(view)


def _credential(row: View) -> Iterator[CrossFieldError]:
    if not row.has("id"):
        yield CrossFieldError(row.at("id"), "is missing")
    if row.text("id") in RESERVED_IDS:
        yield CrossFieldError(row.at("id"), f"must not be {row.text('id')}, which is reserved")
    found = [name for name in KEYS if row.has(name)]
    if not found:
        yield CrossFieldError(row.at(), "needs a key: key_env, key_file or key")
    if len(found) > 1:
        yield CrossFieldError(row.at(), f"has {' and '.join(found)}: keep one of them")


def _rule(row: View) -> Iterator[CrossFieldError]:
    if not (row.has("status") or row.has("contains")):
        yield CrossFieldError(row.at(), "needs status, contains or both")
    if not row.has("then"):
        what = "is missing: stop, next, cool or cool-and-next"
        yield CrossFieldError(row.at("then"), what)
    if row.has("for_s") and row.text("then") in {Action.STOP, Action.NEXT}:
        what = f"has no effect with then = {str(row.text('then'))!r}: it is for cool"
        yield CrossFieldError(row.at("for_s"), what)


def _headers(view: View) -> Iterator[CrossFieldError]:
    claims: Claims = {}
    for name, _ in view.pairs("headers"):
        first = claims.setdefault(name.lower(), name)
        if first != name:
            what = f"is the same header as {printable(first)}"
            yield CrossFieldError(view.at("headers", name), what)


def _ids(views: Views, *, has_key: bool) -> Iterator[CrossFieldError]:
    claims: Claims = {FROM_ENVIRONMENT: "OPENAI_API_KEY"} if has_key else {}
    for _, view in views:
        for row in view.rows("credentials"):
            if text := row.text("id"):
                yield from _claim(claims, text, row.at("id"), "the id of")


def _prefixes(views: Views) -> Iterator[CrossFieldError]:
    claims: Claims = {}
    for _, view in views:
        if text := view.text("prefix"):
            if text == RESERVED_PREFIX:
                what = f"must not be {text}, which leads to Claude Code"
                yield CrossFieldError(view.at("prefix"), what)
            yield from _claim(claims, text, view.at("prefix"), "that of")


def _models(views: Views) -> Iterator[CrossFieldError]:
    claims: Claims = {}
    for _, view in views:
        for index, name in view.texts("models"):
            yield from _claim(claims, name, view.at("models", index), "in")
        for alias, _ in view.pairs("model_aliases"):
            yield from _claim(claims, alias, view.at("model_aliases", alias), "in")


def _claim(claims: Claims, text: str, place: str, what: str) -> Iterator[CrossFieldError]:
    first = claims.setdefault(text, place)
    if first != place:
        yield CrossFieldError(place, f"{printable(text)!r} is also {what} {first}")


def _default(default: object, views: Views, *, has_openai: bool) -> Iterator[CrossFieldError]:
    names = [*((OPENAI,) if has_openai else ()), *(name for name, _ in views)]
    if isinstance(default, str) and default not in names:
        listed = ", ".join(map(printable, dict.fromkeys(names)))
        message = f"{printable(default)!r} is no upstream; use one of: {listed}"
        yield CrossFieldError(DEFAULT, message)
