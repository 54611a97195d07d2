"""From the model that a client names to the one that the CLI gets."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from modegate.domain.errors import ModelNotFoundError

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

# An operator's row becomes an argument of the CLI; nothing that could be read as an option gets in.
CLI_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@\[\]-]{0,255}")


@dataclass(frozen=True, slots=True)
class ModelMap:
    """Rows `name -> CLI model`; a name that ends with `*` is a prefix.

    Exact names win over prefixes, longer prefixes over shorter ones. `default` is the name, itself
    in the map, for which the name `default` stands.

    Raises:
        ValueError: a row cannot be used; the message names it.
    """

    rows: Mapping[str, str] = field(default_factory=lambda: BUILT_IN_MODELS)
    default: str = "sonnet"
    _prefixes: tuple[tuple[str, str], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, cli_model in self.rows.items():
            if name in {"", PREFIX_MARK, DEFAULT_NAME}:
                raise ValueError(f"models: {name!r} cannot be a model's name")
            if not CLI_MODEL.fullmatch(cli_model):
                raise ValueError(
                    f"models: {name!r} stands for {cli_model!r}, which is no CLI model"
                )
        starred = (
            (name.removesuffix(PREFIX_MARK), cli_model)
            for name, cli_model in self.rows.items()
            if name.endswith(PREFIX_MARK)
        )
        longest_first = sorted(starred, key=lambda row: len(row[0]), reverse=True)
        object.__setattr__(self, "_prefixes", tuple(longest_first))
        if self._find(self.default) is None:
            raise ValueError(f"default_model: {self.default!r} is not in the model map")

    @property
    def names(self) -> tuple[str, ...]:
        """Every exact name that `resolve` accepts, in the order of the rows."""
        exact = (name for name in self.rows if not name.endswith(PREFIX_MARK))
        return (*exact, DEFAULT_NAME)

    def knows(self, model: str) -> bool:
        """Whether `resolve` accepts the name."""
        return model == DEFAULT_NAME or self._find(model) is not None

    def resolve(self, model: str) -> str:
        """The CLI model for the client's `model`.

        Raises:
            ModelNotFoundError: no row matches; the message names every row.
        """
        cli_model = self._find(self.default if model == DEFAULT_NAME else model)
        if cli_model is None:
            valid = ", ".join((*self.rows, DEFAULT_NAME))
            raise ModelNotFoundError(
                f"Claude Code does not know this model. Use one of: {valid} (* stands for any "
                "ending), or send X-Claude-Code: false to pass the request through to the upstream.",
                param="model",
            )
        return cli_model

    def _find(self, model: str) -> str | None:
        if model in self.rows and not model.endswith(PREFIX_MARK):
            return self.rows[model]
        return next((cli for prefix, cli in self._prefixes if model.startswith(prefix)), None)
