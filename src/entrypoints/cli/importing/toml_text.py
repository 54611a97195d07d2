"""Writes what was carried over as TOML."""

import json
from collections.abc import Iterator, Mapping, Sequence

from modegate.domain.credentials.selection import Strategy
from modegate.entrypoints.cli.importing.carried import Carried, Credential, Upstream, Value
from modegate.entrypoints.cli.importing.names import slug
from modegate.entrypoints.config.upstreams.places import BARE
from modegate.entrypoints.config.value_cleaning import printable

WIDTH = 100


def toml_of(carried: Carried, origin: str) -> str:
    """Returns the file, which begins with `origin` and ends with what is left, as comments."""
    return "\n".join(_lines(carried, origin)) + "\n"


def _lines(carried: Carried, origin: str) -> Iterator[str]:
    yield f"# {printable(origin)}"
    yield from (_pair(name, it) for name, it in carried.settings.items() if not _is_table(it))
    for name, it in carried.settings.items():
        if isinstance(it, Mapping):
            yield from ("", f"[{_key(name)}]", *(_pair(key, row) for key, row in it.items()))
    ids: set[str] = set()
    for upstream in carried.upstreams:
        yield from _upstream(upstream, ids)
    for name, fields in carried.keys.items():
        yield from ("", f"[keys.{_key(name)}]", *(_pair(key, it) for key, it in fields.items()))
    yield from _comments("To do", [it.what for it in carried.to_do])
    left = [f"{it.where}: {it.why}" for it in carried.leftovers]
    yield from _comments("Not carried over", left)


def _upstream(upstream: Upstream, ids: set[str]) -> Iterator[str]:
    table = f"upstreams.{_key(upstream.name)}"
    yield from ("", f"[{table}]", _pair("base_url", upstream.base_url))
    if upstream.strategy is not Strategy.FILL_FIRST:
        yield _pair("strategy", str(upstream.strategy))
    if upstream.prefix:
        yield _pair("prefix", upstream.prefix)
    if upstream.models:
        yield _pair("models", tuple(upstream.models))
    if upstream.headers:
        yield _pair("headers", dict(upstream.headers))
    for credential in upstream.credentials:
        yield from ("", f"[[{table}.credentials]]", *_credential(credential, ids))
    if upstream.aliases:
        yield from ("", f"[{table}.model_aliases]")
        yield from (_pair(name, it) for name, it in upstream.aliases.items())


def _credential(credential: Credential, ids: set[str]) -> Iterator[str]:
    name = slug(credential.key_env.replace("_", "-"), ids, "key")
    ids.add(name)
    yield _pair("id", name)
    yield _pair("key_env", credential.key_env)
    if credential.weight != 1:
        yield _pair("weight", credential.weight)


def _comments(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield from ("", f"# {title}:", *(f"# - {printable(it)}" for it in lines))


def _pair(name: str, value: Value) -> str:
    line = f"{_key(name)} = {_value(value)}"
    if len(line) <= WIDTH or not isinstance(value, tuple):
        return line
    return "\n".join((f"{_key(name)} = [", *(f"  {_value(it)}," for it in value), "]"))


def _value(value: Value) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            # JSON's escapes are TOML's, but DEL stays as it is in JSON.
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case int() | float():
            return repr(value)
        case tuple():
            return f"[{', '.join(map(_value, value))}]"
        case _:
            pairs = ", ".join(f"{_key(name)} = {_value(it)}" for name, it in value.items())
            return f"{{ {pairs} }}"


def _key(name: str) -> str:
    return name if BARE.fullmatch(name) else _value(name)


def _is_table(value: Value) -> bool:
    return isinstance(value, Mapping)
