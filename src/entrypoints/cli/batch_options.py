"""Reads the options of `modegate batch run`."""

import argparse
import sys
from pathlib import Path

from modegate.domain.routing.mode import Mode
from modegate.entrypoints.cli.commands.batch import BatchOptions
from modegate.entrypoints.config import mapping
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.gateway.gateway import DEFAULT_CONCURRENCY


def read_batch_options(options: argparse.Namespace, settings: Settings) -> BatchOptions:
    """Returns the options; more requests at once than processes would only wait for them."""
    mode = Mode(options.mode) if options.mode else mapping.chat_mode(settings)
    concurrency: int = options.concurrency or DEFAULT_CONCURRENCY
    if mode is Mode.CLAUDE_CODE and options.ray is None:
        most = settings.max_concurrent_processes
        if options.concurrency and options.concurrency > most:
            told = f"MAX_CONCURRENT_PROCESSES allows {most} requests to Claude Code at once"
            print(f"modegate: {told}", file=sys.stderr)
        concurrency = min(concurrency, most)
    return BatchOptions(
        requests=options.requests,
        output=Path(options.output),
        mode=mode,
        concurrency=concurrency,
        retries=options.retries,
        retry_failed=options.retry_failed,
        strict=options.strict,
        offline=options.offline,
        ray=options.ray,
    )
