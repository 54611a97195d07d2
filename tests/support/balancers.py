"""Runs the load balancers of docs/fleet.md, with the very files that the page shows.

Only addresses, intervals of health checks, and what an instance of a test needs are replaced.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.proxies import SEARCHED
from support.serving import free_port, listens, wait

FOLDER = Path(__file__).parents[2] / "deploy" / "balancers"
# The gateways of the page, and its port for clients.
NAMES = ("gateway-1", "gateway-2", "gateway-3")
PORT = 3456
CLIENTS = 8080
TRAEFIK = """
entryPoints:
  clients: {{address: "127.0.0.1:{port}"}}
providers:
  file: {{filename: {file}}}
log: {{level: ERROR}}
"""
NGINX = """
daemon off;
error_log {folder}/nginx.log error;
pid {folder}/nginx.pid;
{user}
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {file};
}}
"""


@dataclass(frozen=True)
class Balancer:
    """A running load balancer and its file."""

    name: str
    url: str
    file: Path
    process: subprocess.Popen[bytes]


def _haproxy(text: str, gateways: Sequence[str]) -> str:
    lines = []
    for line in text.replace("inter 1s", "inter 100ms").splitlines():
        if not line.lstrip().startswith(f"server {NAMES[0]} "):
            lines += [] if line.lstrip().startswith("server gateway-") else [line]
            continue
        for number, address in enumerate(gateways, 1):
            name = f"gateway-{number}"
            told = line.replace(f"{NAMES[0]}:{PORT}", address)
            lines.append(told.replace(NAMES[0], name))
    return "\n".join(lines) + "\n"


def _lines(text: str, gateways: Sequence[str]) -> str:
    """Replaces the page's lines of gateways, each with one address."""
    lines = []
    for line in text.replace("interval: 1s", "interval: 0.1s").splitlines():
        if f"{NAMES[0]}:{PORT}" in line or f"address: {NAMES[0]}," in line:
            for address in gateways:
                host, _, port = address.partition(":")
                told = line.replace(f"{NAMES[0]}:{PORT}", address).replace(NAMES[0], host)
                lines.append(told.replace(f"port_value: {PORT}", f"port_value: {port}"))
        elif not any(f"{name}:{PORT}" in line or f"address: {name}," in line for name in NAMES[1:]):
            lines.append(line)
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Kind:
    """A load balancer: its file, and how the file is adapted."""

    file: str
    program: str
    adapt: Callable[[str, Sequence[str]], str]


KINDS: Mapping[str, Kind] = {
    "haproxy": Kind("haproxy.cfg", "haproxy", _haproxy),
    "nginx": Kind("nginx.conf", "nginx", _lines),
    "envoy": Kind("envoy.yaml", "envoy", _lines),
    "traefik": Kind("traefik.yaml", "traefik", _lines),
}


@contextmanager
def balancer(name: str, folder: Path, gateways: Sequence[str]) -> Iterator[Balancer]:
    """Runs a load balancer in front of gateways; skips the test if it is not installed."""
    kind = KINDS[name]
    program = shutil.which(kind.program, path=f"{Path(sys.executable).parent}:{SEARCHED}")
    if program is None:
        pytest.skip(f"there is no {name} on this machine")
    folder.mkdir(exist_ok=True)
    port = free_port()
    file = folder / kind.file
    text = kind.adapt((FOLDER / kind.file).read_text(), gateways)
    file.write_text(_on_loopback(text, port))
    command = [program, *_arguments(name, file, folder, port)]
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=folder)
    try:
        wait(lambda: process.poll() is not None or listens(port))
        assert process.poll() is None, (folder / "output").read_text()
        yield Balancer(name, f"http://127.0.0.1:{port}", file, process)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _on_loopback(text: str, port: int) -> str:
    for told in (f"bind :{CLIENTS}", f"listen {CLIENTS}"):
        text = text.replace(told, f"{told.partition(' ')[0]} 127.0.0.1:{port}")
    told = f"address: 0.0.0.0, port_value: {CLIENTS}"
    return text.replace(told, f"address: 127.0.0.1, port_value: {port}")


def _arguments(name: str, file: Path, folder: Path, port: int) -> list[str]:
    if name == "haproxy":
        return ["-db", "-f", str(file)]
    if name == "envoy":
        return [
            "-c",
            str(file),
            "--log-level",
            "error",
            "--concurrency",
            "1",
            "--use-dynamic-base-id",
        ]
    own = folder / f"own-{name}"
    if name == "traefik":
        own = own.with_suffix(".yaml")
        own.write_text(TRAEFIK.format(port=port, file=file))
        return [f"--configFile={own}"]
    own.write_text(NGINX.format(folder=folder, file=file, user=_user()))
    return ["-p", str(folder), "-c", str(own)]


def _user() -> str:
    """The account of nginx's workers: that of the test, whose folder no other may enter."""
    return "" if os.geteuid() else "user root;"
