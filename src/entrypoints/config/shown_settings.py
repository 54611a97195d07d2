"""Shows the settings with their sources, with secrets masked."""

from collections.abc import Iterable, Iterator, Mapping

from pydantic import SecretStr

from modegate.domain.access.api_key import mask, mask_address
from modegate.domain.budgets.budget import Budget
from modegate.entrypoints.config.budget_types import budget_text
from modegate.entrypoints.config.dialects import DIALECTS, describe_dialects
from modegate.entrypoints.config.keys.description import describe_keys
from modegate.entrypoints.config.keys.tables import KEYS
from modegate.entrypoints.config.prices import PRICES, describe_prices
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.config.upstreams.description import NOTHING, describe_upstreams
from modegate.entrypoints.config.upstreams.views import UPSTREAMS
from modegate.lazy_dataclass import dataclass

BY_DEFAULT = "default"
# Secrets whose place may be shown, but not the password in them.
ADDRESSES = frozenset({"modegate_ledger", "modegate_store"})


@dataclass(frozen=True, slots=True)
class ShownSetting:
    """A setting, or a value in the table of an upstream; `value` fits into JSON."""

    name: str
    value: object
    source: str

    @property
    def line(self) -> str:
        """The setting as a line of text."""
        return f"{self.name} = {_text(self.value)}  ({self.source})"


def shown_settings(
    settings: Settings,
    sources: Mapping[str, str],
    keys: Mapping[str, str],
    client_keys: Mapping[str, str],
) -> Iterator[ShownSetting]:
    """Yields all settings; `keys` are the masked keys of the upstreams' credentials by id.

    `client_keys` are those of clients in the file by name.
    """
    for name, value in settings:
        source = sources.get(name, BY_DEFAULT)
        tables: Iterable[tuple[str, str, str]] = ()
        if name == UPSTREAMS:
            tables = describe_upstreams(value, keys, source, BY_DEFAULT)
        elif name == PRICES:
            tables = describe_prices(value, source)
        elif name == KEYS:
            tables = describe_keys(value, client_keys, source)
        elif name == DIALECTS:
            tables = describe_dialects(value, source)
        rows = [ShownSetting(at, None if text == NOTHING else text, it) for at, text, it in tables]
        if rows:
            yield from rows
            continue
        yield ShownSetting(name, _shown(name, value), source)


def _shown(name: str, value: object) -> object:
    if name == "claude_bare" and value is None:
        return "auto"
    if name in ADDRESSES and isinstance(value, SecretStr):
        return mask_address(value.get_secret_value())
    return _masked(value)


def _masked(value: object) -> object:
    match value:
        case SecretStr():
            return mask(value.get_secret_value())
        case tuple():
            return [_masked(it) for it in value]
        case dict():
            return {str(name): _masked(row) for name, row in value.items()}
        case None | bool() | int():
            return value
        case Budget():
            return budget_text(value)
        case _:
            return str(value)


def _text(value: object) -> str:
    match value:
        case list():
            return ", ".join(map(_text, value)) or NOTHING
        case dict():
            return ", ".join(f"{name}={row}" for name, row in value.items()) or NOTHING
        case None:
            return NOTHING
        case bool():
            return str(value).lower()
        case _:
            return str(value)
