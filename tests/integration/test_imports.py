"""What a running gateway imports."""

import re
import signal
import urllib.request
from pathlib import Path

from support.serving import COLD, MODEGATE, bare_environment, serving

IMPORTED = re.compile(r"^import time:.*\| +(\S+)$", re.MULTILINE)
MESSAGE = {"role": "user", "content": "Hi"}
CHAT = {"model": "gpt-4o", "messages": [MESSAGE]}
MESSAGES = {**CHAT, "max_tokens": 10}
RESPONSES = {"model": "gpt-4o", "input": "Hi"}
# To a file, because a pipe that is not read is full before the start.
TO_FILE = ["sh", "-c", 'exec "$@" 2> imports', "sh", *MODEGATE]
PASSTHROUGH = {"X-Claude-Code": "false"}
# Libraries of clients, of commands, of Claude Code's tools, and of settings that are not set.
UNUSED = {"aiohttp", "jsonschema_rs", "openai", "obstore", "opentelemetry", "psycopg", "redis"}


def test_a_gateway_that_relays_and_translates_does_not_import_the_sdk(tmp_path: Path) -> None:
    environment = bare_environment(tmp_path) | COLD | {"PYTHONPROFILEIMPORTTIME": "1"}
    with serving("--offline", folder=tmp_path, environment=environment, command=TO_FILE) as running:
        listed = running.ask("/v1/models")
        assert listed is not None
        assert listed["object"] == "list"
        for path, body, part in (
            ("/v1/chat/completions", CHAT, "choices"),
            ("/v1/messages", MESSAGES, "content"),
            ("/v1/responses", RESPONSES, "output"),
        ):
            answer = running.ask(path, body, X_Claude_Code="false")
            assert answer is not None
            assert part in answer
        data = (
            b'{"model": "gpt-4o", "stream": true, "messages": [{"role": "user", "content": "Hi"}]}'
        )
        headers = PASSTHROUGH | {"Content-Type": "application/json"}
        request = urllib.request.Request(running.url + "/v1/chat/completions", data, headers)
        with urllib.request.urlopen(request, timeout=30) as response:
            assert response.read().endswith(b"data: [DONE]\n\n")
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(30) == 0
    imported = IMPORTED.findall((tmp_path / "imports").read_text())
    assert "modegate.adapters.openai_sdk.transport.transport" in imported
    packages = {name.partition(".")[0] for name in imported}
    assert "genai_prices" in packages  # imported in a thread, after the start
    assert packages & UNUSED == set()
