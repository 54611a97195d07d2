"""A real Prometheus that has read a gateway's metrics for half an hour."""

import json
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.samples import Sample

from support.serving import free_port, wait

PROGRAM, TOOL = shutil.which("prometheus"), shutil.which("promtool")
MISSING = "prometheus and promtool are not installed"
STEP_S, STEPS = 30, 60
# What Prometheus adds to each series.
ADDED = {"job": "modegate", "instance": "gateway"}


@dataclass(frozen=True)
class Prometheus:
    """A running server, and the time of its last samples in Unix seconds."""

    url: str
    now: int

    def query(self, expression: str) -> list[float]:
        """Returns the values of an instant query; fails if Prometheus rejects it."""
        asked = urllib.parse.urlencode({"query": expression, "time": self.now})
        with urllib.request.urlopen(f"{self.url}/api/v1/query?{asked}", timeout=30) as response:
            result = json.load(response)["data"]["result"]
        return [float(series["value"][1]) for series in result]


@contextmanager
def prometheus(folder: Path, samples: Sequence[Sample], now: int) -> Iterator[Prometheus]:
    """Runs Prometheus with a past in which all counters grew evenly to these samples."""
    assert PROGRAM is not None
    assert TOOL is not None
    text = folder / "openmetrics"
    text.write_text("".join(_history(samples, now)) + "# EOF\n")
    data, config = folder / "data", folder / "prometheus.yml"
    build = [TOOL, "tsdb", "create-blocks-from", "openmetrics", str(text), str(data)]
    subprocess.run(build, check=True, capture_output=True)
    config.write_text("")
    address = f"127.0.0.1:{free_port()}"
    options = {"config.file": config, "storage.tsdb.path": data, "web.listen-address": address}
    command = [PROGRAM, *(f"--{name}={value}" for name, value in options.items())]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        wait(lambda: process.poll() is not None or _is_ready(address))
        assert process.poll() is None
        yield Prometheus(f"http://{address}", now)
    finally:
        process.kill()
        process.wait()


def _history(samples: Sequence[Sample], now: int) -> Iterator[str]:
    for sample in samples:
        labels = ",".join(
            f"{name}={json.dumps(it)}" for name, it in (sample.labels | ADDED).items()
        )
        grows = sample.name.endswith(("_total", "_bucket", "_count", "_sum"))
        for step in range(1, STEPS + 1):
            value = sample.value * step / STEPS if grows else sample.value
            yield f"{sample.name}{{{labels}}} {value} {now - (STEPS - step) * STEP_S}\n"


def _is_ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{address}/-/ready", timeout=30) as response:
            return bool(response.status == 200)
    except OSError:
        return False
