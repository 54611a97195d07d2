"""Loads what an import prints, as the gateway would."""

import re
from dataclasses import dataclass
from pathlib import Path

from modegate.entrypoints.cli.importing.carried import Carried
from modegate.entrypoints.cli.importing.toml_text import toml_of
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.config.sources import load_settings

VARIABLE = re.compile(r'^key_env = "(.*)"$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The printed text, and the settings that modegate reads from it."""

    text: str
    settings: Settings
    left: tuple[str, ...]
    to_do: tuple[str, ...]

    def credentials(self, upstream: str) -> list[tuple[str | None, int]]:
        rows = self.settings.upstreams[upstream].credentials
        return [(row.key_env, row.weight) for row in rows]


def load(carried: Carried, folder: Path) -> Loaded:
    """Loads the text of an import with a dummy for each of its variables."""
    text = toml_of(carried, "By a test")
    file = folder / "modegate.toml"
    file.write_text(text)
    names = sorted(set(VARIABLE.findall(text)))
    environment = {name: f"sk-dummy-{index}" for index, name in enumerate(names)}
    loaded = load_settings({"HOME": str(folder), **environment}, str(file))
    assert not loaded.warnings, loaded.warnings
    left = tuple(f"{it.where}: {it.why}" for it in carried.leftovers)
    return Loaded(text, loaded.settings, left, tuple(it.what for it in carried.to_do))
