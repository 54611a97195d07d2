"""What a gateway that only relays must not load when it starts."""

import subprocess
import sys
from pathlib import Path

START = """
import sys
from pathlib import Path
from modegate.domain.secrets import redactor
from modegate.entrypoints.bootstrap.container import Container
from modegate.entrypoints.bootstrap.http import build_app
from modegate.entrypoints.cli import main, rereading
from modegate.entrypoints.cli.commands import serve
from modegate.entrypoints.config.settings import Settings

build_app(Container(settings=Settings(openai_api_key="sk-1", modegate_state_dir=Path(sys.argv[1]))))
print("loaded:", *sys.modules)
print("patterns:", redactor._complete.cache_info().currsize)
classes = {it for name, module in [*sys.modules.items()] if name.startswith("modegate.")
           for it in vars(module).values() if isinstance(it, type)}
made = [vars(it)["__repr__"] for it in classes
        if it.__module__.startswith("modegate.") and "__dataclass_fields__" in vars(it)]
files = [getattr(it, "__wrapped__", it).__code__.co_filename for it in made]
print("dataclasses:", len(files) > 200, "compiled:", files.count("<string>"))
"""

# Each costs memory and time, and is loaded by the first use, or after the start.
NOT_LOADED = {
    "aiohttp",
    "cryptography",
    "genai_prices",
    "httpx",
    "httpx2",
    "jsonschema_rs",
    "modegate.adapters.postgres.usage_ledger",
    "modegate.adapters.redis.connection",
    "modegate.entrypoints.cli.commands.reload",
    "modegate.entrypoints.http.openapi.document",
    "modegate.simulator",
    "obstore",
    "openai",
    "opentelemetry",
    "psycopg",
    "ray",
    "redis",
}


def test_a_start_loads_nothing_that_only_other_gateways_use(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-c", START, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded, patterns, dataclasses = done.stdout.splitlines()
    assert NOT_LOADED.intersection(loaded.split()) == set()
    assert "modegate.domain.secrets.redactor" in loaded.split()
    assert patterns == "patterns: 0"
    assert dataclasses == "dataclasses: True compiled: 0"
