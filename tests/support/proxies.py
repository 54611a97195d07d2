"""Runs private instances of nginx and HAProxy in front of a gateway."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.serving import free_port, listens, wait

EXAMPLES = Path(__file__).parents[2] / "examples" / "proxies"
# Debian installs them outside the `PATH` of ordinary users.
SEARCHED = f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin"
CERTIFICATE = "/etc/ssl/private/gateway.pem"
GATEWAY = "127.0.0.1:3456"

NGINX = """
daemon off;
master_process off;
error_log stderr error;
pid {folder}/nginx.pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{default};
        client_max_body_size 0;
        location / {{ proxy_pass http://{gateway}; }}
    }}
    include {file};
}}
"""
HAPROXY = """
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend default
    bind 127.0.0.1:{default}
    option forwardfor
    default_backend default
backend default
    server one {gateway}
frontend proxy_protocol
    bind 127.0.0.1:{proxy_protocol}
    default_backend proxy_protocol
backend proxy_protocol
    server one {gateway} send-proxy
frontend forwarded
    bind 127.0.0.1:{forwarded}
    http-request add-header Forwarded for=%[src];proto=http
    default_backend default
"""


@dataclass(frozen=True)
class Instance:
    """A running proxy; `ports` has one port per configuration: default, example and others."""

    process: subprocess.Popen[bytes]
    ports: Mapping[str, int]


@contextmanager
def nginx(folder: Path, gateway: str, certificate: Path) -> Iterator[Instance | None]:
    """Runs nginx; yields None if it is not installed."""
    program = shutil.which("nginx", path=SEARCHED)
    if program is None:
        yield None
        return
    ports = {"default": free_port(), "example": free_port()}
    example = _example("nginx.conf", ports["example"], folder, gateway, certificate)
    config = folder / "own.conf"
    config.write_text(NGINX.format(folder=folder, gateway=gateway, file=example, **ports))
    with _running([program, "-p", str(folder), "-c", str(config)], ports) as instance:
        yield instance


@contextmanager
def haproxy(folder: Path, gateway: str, certificate: Path) -> Iterator[Instance | None]:
    """Runs HAProxy; yields None if it is not installed."""
    program = shutil.which("haproxy", path=SEARCHED)
    if program is None:
        yield None
        return
    names = "default", "example", "proxy_protocol", "forwarded"
    ports = {name: free_port() for name in names}
    example = _example("haproxy.cfg", ports["example"], folder, gateway, certificate)
    config = folder / "own.cfg"
    config.write_text("global\n    maxconn 100\n" + HAPROXY.format(gateway=gateway, **ports))
    command = [program, "-db", "-q", "-f", str(config), "-f", str(example)]
    with _running(command, ports) as instance:
        yield instance


def _example(name: str, port: int, folder: Path, gateway: str, certificate: Path) -> Path:
    """Writes the example's file with only addresses and certificate changed."""
    text = (EXAMPLES / name).read_text()
    for told, meant in (
        (GATEWAY, gateway),
        (CERTIFICATE, str(certificate)),
        (" 443 ", f" 127.0.0.1:{port} "),
        (" :443 ", f" 127.0.0.1:{port} "),
    ):
        text = text.replace(told, meant)
    path = folder / name
    path.write_text(text)
    return path


@contextmanager
def _running(command: list[str], ports: Mapping[str, int]) -> Iterator[Instance]:
    process = subprocess.Popen(command)
    try:
        wait(lambda: process.poll() is not None or all(map(listens, ports.values())))
        assert process.poll() is None
        yield Instance(process, ports)
    finally:
        process.kill()
        process.wait()
