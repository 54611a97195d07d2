"""The signals that start a graceful shutdown."""

import signal


def stop_signals() -> tuple[signal.Signals, ...]:
    """Returns SIGTERM, SIGINT, and SIGHUP unless the process was started to ignore it.

    A closed terminal sends SIGHUP; `nohup` ignores it. The kernel discards signals without a
    handler for the first process of a container.
    """
    ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    return (signal.SIGTERM, signal.SIGINT, *(() if ignored else (signal.SIGHUP,)))
