"""Other gateways for comparison, each in its own environment under `.cache/peers`.

They are not dependencies of modegate, and their own dependencies conflict with each other.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load import KEY

CACHE = Path(__file__).parent.parent / ".cache" / "peers"


@dataclass(frozen=True, slots=True)
class Peer:
    """The packages of a gateway, the command to run, and the content of its `config` file."""

    packages: Sequence[str]
    command: Callable[[Path], Sequence[str]]
    config: Callable[[str], object]

    def prepare(self, name: str, upstream: str, folder: Path) -> Sequence[str]:
        """Installs it, writes its configuration and returns the command with `PORT` in it."""
        uv, home = Path(sys.executable).with_name("uv"), CACHE / name
        python = home / "bin" / "python"
        if not python.exists():
            _run(uv, "venv", "--quiet", "--python", "3.11", home)
        _run(uv, "pip", "install", "--quiet", "--python", python, *self.packages)
        config = folder / f"{name}.json"
        config.write_text(json.dumps(self.config(upstream)))
        program, *arguments = self.command(config)
        return [str(home / "bin" / program), *arguments]


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True)


def _litellm(upstream: str) -> object:
    models = ("gpt-mock", "mock-c100-d0", "mock-c50-d5")
    return {
        "model_list": [
            {
                "model_name": model,
                "litellm_params": {
                    "model": f"openai/{model}",
                    "api_base": upstream,
                    "api_key": "sk-benchmark",
                },
            }
            for model in models
        ],
        "general_settings": {"master_key": KEY},
        "litellm_settings": {"num_retries": 0, "telemetry": False},
    }


PEERS: Mapping[str, Peer] = {
    "litellm": Peer(
        packages=["litellm[proxy]"],
        command=lambda config: [
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
}


def environment() -> dict[str, str]:
    """Returns an environment in which peers make no network requests at start-up."""
    return {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False"}
