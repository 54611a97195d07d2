"""What stops a batch before or during its run."""


class BatchUsageError(Exception):
    """The files cannot be used as given; nothing was changed. `str` says what to do."""


class OutputError(Exception):
    """The results cannot be written; what was written is complete. `str` says what to do."""
