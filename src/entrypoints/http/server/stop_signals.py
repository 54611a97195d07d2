"""The signals that end the gateway in order."""

import signal


def stop_signals() -> tuple[signal.Signals, ...]:
    """SIGTERM, SIGINT and SIGHUP; the last one not where the process was started to ignore it.

    A closed terminal sends SIGHUP, and `nohup` has it ignored. The first process of a container gets
    no signal that it has no handler for.
    """
    ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    return (signal.SIGTERM, signal.SIGINT, *(() if ignored else (signal.SIGHUP,)))
