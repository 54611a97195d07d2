"""The signals that start a graceful shutdown, and the one that reloads."""

import signal


def stop_signals() -> tuple[signal.Signals, ...]:
    """Returns the signals that start a graceful shutdown.

    The kernel discards signals without a handler for the first process of a container.
    """
    return (signal.SIGTERM, signal.SIGINT)


def ignore_hangups() -> None:
    """Ignores SIGHUP, which must end no gateway, while nothing can be reloaded."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
