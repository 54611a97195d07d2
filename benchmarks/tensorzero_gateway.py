"""Runs TensorZero's HTTP gateway: `python tensorzero_gateway.py CONFIG ADDRESS PORT`.

Its wheel starts the gateway on a port of its own choice, so its URL is written to the file ADDRESS.
Then this process listens on PORT, to say that it has started. It is run by the peer's own Python.
"""

import signal
import socket
import sys
from pathlib import Path

# What its `patch_openai_client` starts. The package is the peer's own.
from tensorzero import _start_http_gateway  # type: ignore[import-not-found]


def main() -> None:
    """Starts the gateway, and waits for a signal."""
    config, address, port = sys.argv[1:]
    gateway = _start_http_gateway(
        config_file=config,
        clickhouse_url=None,
        postgres_url=None,
        valkey_url=None,
        async_setup=False,
    )
    Path(address).write_text(f"{gateway.base_url}/chat/completions")
    with socket.create_server(("127.0.0.1", int(port))):
        signal.sigwait({signal.SIGTERM})


if __name__ == "__main__":
    main()
