"""Maps the model name of a request to the model name passed to the CLI."""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from types import MappingProxyType

from modegate.domain.errors.catalogue import parameters
from modegate.domain.routing.mode import MODEL_PREFIX, without_prefix
from modegate.lazy_dataclass import dataclass

DEFAULT_NAME = "default"
PREFIX_MARK = "*"

BUILT_IN_MODELS: Mapping[str, str] = MappingProxyType(
    {
        "opus": "opus",
        "sonnet": "sonnet",
        "haiku": "haiku",
        "fable": "fable",
        "claude-opus-4-6": "claude-opus-4-6",
        "claude-sonnet-4-6": "claude-sonnet-4-6",
        "claude-haiku-4-5": "claude-haiku-4-5-20251001",
        "claude-haiku-4-5-20251001": "claude-haiku-4-5-20251001",
        # What Claude Code calls its models changes with each of its releases.
        "claude-opus-*": "opus",
        "claude-sonnet-*": "sonnet",
        "claude-haiku-*": "haiku",
        "claude-fable-*": "fable",
        "gpt-4": "opus",
        "gpt-4-turbo": "sonnet",
        "gpt-4-turbo-preview": "sonnet",
        "gpt-4-0125-preview": "sonnet",
        "gpt-4-1106-preview": "sonnet",
        "gpt-4-turbo-2024-*": "sonnet",
        "gpt-4o": "sonnet",
        "chatgpt-4o-latest": "sonnet",
        "gpt-4.1": "sonnet",
        "gpt-4o-2024-*": "sonnet",
        "gpt-4o-mini": "haiku",
        "gpt-4o-mini-*": "haiku",
        "gpt-3.5-turbo": "haiku",
        "gpt-3.5-turbo-*": "haiku",
    }
)

# The right side of a row becomes a CLI argument, so nothing that parses as an option is allowed.
CLI_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@\[\]-]{0,255}")
CLAUDES_OWN = re.compile(r"claude-.*|opus|sonnet|haiku|fable", re.IGNORECASE)

Prefixes = tuple[tuple[str, str], ...]


def row_faults(rows: Mapping[str, str]) -> Iterator[str]:
    """Yields one error message for each invalid row.

    The right side of a row is passed to the CLI unchanged and is not looked up again. A name that
    exists only in this map would therefore fail at every request.
    """
    prefixes = _prefixes(rows)
    for name, cli_model in rows.items():
        if name in {"", PREFIX_MARK, DEFAULT_NAME} or not name.isprintable():
            yield f"{name!r} is not allowed as a model name"
        elif name.startswith(MODEL_PREFIX):
            yield f"{name!r} is never found, because {MODEL_PREFIX} is removed before: write {without_prefix(name)!r}"
        elif cli_model.startswith(MODEL_PREFIX) or not CLI_MODEL.fullmatch(cli_model):
            yield f"{name!r} maps to {cli_model!r}, which is not a valid CLI model name"
        elif not CLAUDES_OWN.fullmatch(cli_model):
            meant = _find(rows, prefixes, cli_model)
            if meant not in {None, cli_model}:
                yield (
                    f"{name!r} maps to {cli_model!r}, which Claude does not know and which "
                    f"itself maps to {meant!r}: use {meant!r} instead"
                )


def name_faults(rows: Mapping[str, str], configured: str) -> Iterator[str]:
    """Yields an error message if no row matches a configured model."""
    if _find(rows, _prefixes(rows), configured) is None:
        names = [name for name in rows if not name.endswith(PREFIX_MARK)]
        near = difflib.get_close_matches(configured, names, n=1)
        hint = f"; did you mean {near[0]}?" if near else "."
        yield f"{configured!r} is not in the model map{hint} Use one of: {', '.join(names)}"


def _prefixes(rows: Mapping[str, str]) -> Prefixes:
    """Returns the prefix rows without the trailing `*`, longest first."""
    starred = (
        (name.removesuffix(PREFIX_MARK), cli_model)
        for name, cli_model in rows.items()
        if name.endswith(PREFIX_MARK)
    )
    return tuple(sorted(starred, key=lambda row: len(row[0]), reverse=True))


def _find(rows: Mapping[str, str], prefixes: Prefixes, model: str) -> str | None:
    if model in rows and not model.endswith(PREFIX_MARK):
        return rows[model]
    return next((cli for prefix, cli in prefixes if model.startswith(prefix)), None)


@dataclass(frozen=True, slots=True)
class ModelMap:
    """A map of rows `name -> CLI model`; a name that ends with `*` is a prefix.

    Exact names take precedence over prefixes, and longer prefixes over shorter ones. The name
    `default` is an alias of the name in the field `default`, which must match a row.

    Raises:
        ValueError: if a row or the default is invalid; the message lists every problem.
    """

    rows: Mapping[str, str] = field(default_factory=lambda: BUILT_IN_MODELS)
    default: str = "sonnet"
    _starred: Prefixes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        faults = *row_faults(self.rows), *name_faults(self.rows, self.default)
        if faults:
            raise ValueError("; ".join(faults))
        object.__setattr__(self, "_starred", _prefixes(self.rows))

    @property
    def names(self) -> tuple[str, ...]:
        """Every exact name that `resolve` accepts, in row order, then `default`."""
        exact = (name for name in self.rows if not name.endswith(PREFIX_MARK))
        return (*exact, DEFAULT_NAME)

    def knows(self, model: str) -> bool:
        """Returns whether `resolve` accepts the name."""
        named = without_prefix(model)
        return named == DEFAULT_NAME or self._find(named) is not None

    def resolve(self, model: str) -> str:
        """Returns the CLI model for the client's `model`, which may have the prefix of the mode.

        Raises:
            ModelNotFoundError: if no row matches; the message lists every row.
        """
        named = without_prefix(model)
        cli_model = self._find(self.default if named == DEFAULT_NAME else named)
        if cli_model is None:
            raise parameters.unknown_model((*self.rows, DEFAULT_NAME))
        return cli_model

    def _find(self, model: str) -> str | None:
        return _find(self.rows, self._starred, model)
