"""Other gateways for comparison, each in its own environment under `.cache/peers`.

They are not dependencies of modegate, and their own dependencies conflict with each other.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.load import KEY
from benchmarks.servers import GATEWAY_CORE, Server, started

MODELS = ("gpt-mock", "mock-c100-d0", "mock-c50-d5")
TENSORZERO = str(Path(__file__).with_name("tensorzero_gateway.py"))
CACHE = Path(__file__).parent.parent / ".cache" / "peers"


@dataclass(frozen=True, slots=True)
class Peer:
    """The packages of a gateway, the command to run, and the text of its `config` file.

    A server that chooses its port writes its URL to the second file of the command. Names of models
    begin with `model_prefix`.
    """

    packages: Sequence[str]
    command: Callable[[Path, Path], Sequence[str]]
    config: Callable[[str], str]
    model_prefix: str = ""

    @contextmanager
    def started(self, name: str, upstream: str, folder: Path) -> Iterator[Server]:
        """Installs it, writes its configuration and runs it while the context is open."""
        uv, home = Path(sys.executable).with_name("uv"), CACHE / name
        python = home / "bin" / "python"
        if not python.exists():
            _run(uv, "venv", "--quiet", "--python", "3.11", home)
        _run(uv, "pip", "install", "--quiet", "--python", python, *self.packages)
        config, address = folder / f"{name}.config", folder / f"{name}.url"
        config.write_text(self.config(upstream))
        program, *arguments = self.command(config, address)
        command = [str(home / "bin" / program), *arguments]
        with started(name, command, core=GATEWAY_CORE, environment=environment()) as server:
            url = address.read_text() if address.exists() else server.url
            yield replace(server, url=url, model_prefix=self.model_prefix)


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True)


def _litellm(upstream: str) -> str:
    config = {
        "model_list": [
            {
                "model_name": model,
                "litellm_params": {
                    "model": f"openai/{model}",
                    "api_base": upstream,
                    "api_key": "sk-benchmark",
                },
            }
            for model in MODELS
        ],
        "general_settings": {"master_key": KEY},
        "litellm_settings": {"num_retries": 0, "telemetry": False},
    }
    return json.dumps(config)


def _tensorzero(upstream: str) -> str:
    models = "".join(
        f"""
[models.{model}]
routing = ["upstream"]

[models.{model}.providers.upstream]
type = "openai"
model_name = "{model}"
api_base = "{upstream}"
api_key_location = "none"
"""
        for model in MODELS
    )
    return f"[gateway]\nobservability.enabled = false\n{models}"


PEERS: Mapping[str, Peer] = {
    "litellm": Peer(
        packages=["litellm[proxy]"],
        command=lambda config, _: [
            "litellm",
            "--config",
            str(config),
            "--port",
            "PORT",
            "--host",
            "127.0.0.1",
        ],
        config=_litellm,
    ),
    "tensorzero": Peer(
        packages=["tensorzero"],
        command=lambda config, address: ["python", TENSORZERO, str(config), str(address), "PORT"],
        config=_tensorzero,
        model_prefix="tensorzero::model_name::",
    ),
}


def environment() -> dict[str, str]:
    """Returns an environment in which peers make no network requests at start-up."""
    return {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False"}
