"""How `serve` reads its settings again."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

from modegate.entrypoints.config.sources import LoadedSettings, load_settings
from modegate.entrypoints.config.written_settings import locate_file

Load = Callable[[], LoadedSettings]
FindFile = Callable[[], Path | None]


def rereading(
    options: argparse.Namespace, environment: Mapping[str, str]
) -> tuple[Load, FindFile | None]:
    """Returns what reads the settings again, and what finds the file to watch, if any."""

    def load() -> LoadedSettings:
        return load_settings(
            environment, options.config, with_upstreams=not options.offline, is_reload=True
        )

    def find_file() -> Path | None:
        return locate_file(environment, options.config)

    return load, find_file if options.watch else None
