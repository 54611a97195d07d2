"""`modegate config show`: prints every setting with its source."""

import sys

from modegate.entrypoints.config.sources import LoadedSettings


def run_config_show(loaded: LoadedSettings) -> int:
    """Prints the settings, and warnings to standard error; returns 0."""
    for warning in loaded.warnings:
        print(f"modegate: warning: {warning}", file=sys.stderr)
    print("\n".join(loaded.describe()))
    return 0
