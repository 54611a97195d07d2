"""Logs that an upstream rejects the question for the usage of streams."""

import logging

log = logging.getLogger(__name__)


def log_rejected_usage(upstream: str) -> None:
    """Logs what the operator can do; the requests themselves have succeeded."""
    log.warning(
        "upstream rejects stream_options: usage of its streams is estimated; "
        "usage_in_streams = false avoids the first attempt",
        extra={"fields": {"upstream": upstream}},
    )
