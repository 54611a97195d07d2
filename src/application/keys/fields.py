"""The fields of a key, as operators write them in requests and in the settings file.

A reader returns the value of a field, and raises ValueError with what the value must be.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from modegate.domain.access.client_key import ClientKey
from modegate.domain.access.key_rules import PREFIX_MARK
from modegate.domain.budgets.budget import BUDGET_PERIODS, Budget
from modegate.domain.budgets.window import Period
from modegate.domain.errors.catalogue import keys as errors
from modegate.domain.routing.mode import Mode

MAX_NAME_CHARACTERS = 128
MAX_MODEL_CHARACTERS = 256
MAX_MODELS = 256
MAX_COUNT = 1_000_000_000
MAX_TOKENS = 10**15
MAX_USD = 1e9
YEAR_10000 = 253_402_300_800
OF_BUDGET = ("usd", "tokens", "period")
NAME, MODE = "name", "mode"

Fields = Mapping[str, object]


def read_name(value: object) -> str:
    """Returns what a key is called."""
    if isinstance(value, str) and value.isprintable():
        name = value.strip()
        if 1 <= len(name) <= MAX_NAME_CHARACTERS:
            return name
    raise ValueError(f"must be a text of 1 to {MAX_NAME_CHARACTERS} visible characters")


def read_models(value: object) -> tuple[str, ...]:
    """Returns exact names, and prefixes that end with `*`."""
    names = tuple(value) if isinstance(value, list | tuple) else ()
    if not 1 <= len(names) <= MAX_MODELS or not all(map(_is_model, names)):
        raise ValueError(
            f'must be a list of 1 to {MAX_MODELS} names like "sonnet" or "gpt-4o*", with * at the '
            "end only; without the field, every model is allowed"
        )
    return tuple(dict.fromkeys(names))


def read_modes(value: object) -> tuple[str, ...]:
    """Returns the values of modes."""
    modes = tuple(value) if isinstance(value, list | tuple) else ()
    known = [str(it) for it in Mode]
    if not modes or not all(isinstance(it, str) and it in known for it in modes):
        listed = " or ".join(f'"{it}"' for it in known)
        raise ValueError(f"must be a list of {listed}; without the field, every mode is allowed")
    return tuple(it for it in known if it in modes)


def read_mode(value: object) -> str:
    """Returns the value of one mode."""
    known = [str(it) for it in Mode]
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"must be {' or '.join(known)}")
    return value


def read_time(value: object) -> float:
    """Returns Unix seconds of a time in RFC 3339, of TOML's own type, or in Unix seconds."""
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        time = None
    if isinstance(time, datetime) and time.tzinfo is not None:
        return time.timestamp()
    if _is_number(time) and 0 < float(time) < YEAR_10000:  # type: ignore[arg-type]
        return float(time)  # type: ignore[arg-type]
    raise ValueError(
        "must be a date, a time and a zone, like 2027-01-31T00:00:00Z, or Unix seconds"
    )


def read_count(value: object) -> int:
    """Returns a number of at least 1."""
    return _count(value, MAX_COUNT)


def read_switch(value: object) -> bool:
    """Returns whether a key is enabled."""
    if not isinstance(value, bool):
        raise ValueError("must be true or false")  # noqa: TRY004 - one kind for all faults
    return value


def read_budget(value: object) -> Budget:
    """Returns a budget of US dollars, tokens or both."""
    given = value if isinstance(value, Mapping) else {}
    for name in given:
        if name not in OF_BUDGET:
            raise ValueError(f"must have usd, tokens and period only, not {str(name)[:64]!r}")
    usd, tokens, period = map(given.get, OF_BUDGET)
    if usd is None and tokens is None:
        raise ValueError('must have usd, tokens or both, like {"usd": 20, "period": "month"}')
    known = [str(it) for it in BUDGET_PERIODS]
    if period is not None and period not in known:
        raise ValueError(f"must have a period of {', '.join(known)}")
    return Budget(
        usd=None if usd is None else _usd(usd),
        tokens=None if tokens is None else _named("tokens", tokens),
        period=Period.MONTH if period is None else Period(str(period)),
    )


READERS: Mapping[str, Callable[[object], object]] = MappingProxyType(
    {
        NAME: read_name,
        "models": read_models,
        "modes": read_modes,
        MODE: read_mode,
        "expires_at": read_time,
        "rpm": read_count,
        "tpm": read_count,
        "concurrency": read_count,
        "budget": read_budget,
        "enabled": read_switch,
    }
)
# The values of fields that are taken back; a name cannot be.
DEFAULTS: Fields = MappingProxyType(
    {**dict.fromkeys(READERS), "models": (), "modes": (), "enabled": True}
)
OF_RULES = frozenset({"models", "modes", "mode", "rpm", "tpm", "concurrency", "budget"})


def read_fields(given: Fields) -> Fields:
    """Returns the values of fields; null stands for the default.

    Raises:
        InvalidRequestError: a field is unknown, or its value is wrong.
    """
    return {name: _read(name, value) for name, value in given.items()}


def with_fields(key: ClientKey, fields: Fields) -> ClientKey:
    """Returns the key with other values of some fields.

    Raises:
        InvalidRequestError: the mode is none of the modes that the key may use.
    """
    rules = {name: value for name, value in fields.items() if name in OF_RULES}
    own = {name: value for name, value in fields.items() if name not in OF_RULES}
    changed: ClientKey = replace(key, rules=replace(key.rules, **rules), **own)  # type: ignore[arg-type]
    if (fault := mode_fault(changed.rules.mode, changed.rules.modes)) is not None:
        raise errors.wrong_field(MODE, fault)
    return changed


def mode_fault(mode: str | None, modes: Sequence[str]) -> str | None:
    """Returns what is wrong with the mode of a key that may use some modes only."""
    if mode is None or not modes or mode in modes:
        return None
    return f"must be one of the modes that the key may use: {', '.join(modes)}"


def _read(name: str, value: object) -> object:
    if name not in READERS:
        raise errors.unknown_field(name, READERS)
    if value is None and name != NAME:
        return DEFAULTS[name]
    try:
        return READERS[name](value)
    except ValueError as error:
        raise errors.wrong_field(name, str(error)) from None


def _is_model(name: object) -> bool:
    return (
        isinstance(name, str)
        and 1 <= len(name) <= MAX_MODEL_CHARACTERS
        and name.isprintable()
        and PREFIX_MARK not in name[:-1]
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _count(value: object, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise ValueError(f"must be a whole number of 1 to {most}")
    return value


def _named(name: str, value: object) -> int:
    try:
        return _count(value, MAX_TOKENS)
    except ValueError as error:
        raise ValueError(f"is wrong: {name} {error}") from None


def _usd(value: object) -> float:
    if not _is_number(value) or not 0 < float(value) <= MAX_USD:  # type: ignore[arg-type]
        raise ValueError(f"is wrong: usd must be a number above 0, at most {MAX_USD:g}")
    return float(value)  # type: ignore[arg-type]
