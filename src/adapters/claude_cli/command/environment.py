"""The environment of a child: allow-listed host variables, and switches of the CLI."""

import logging
from collections.abc import Mapping
from pathlib import Path

from modegate.adapters.claude_cli.options import ClaudeOptions

ALLOWED = frozenset(
    {
        "PATH",
        "HOME",
        "LANG",
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_AUTH_TOKEN",
        "ANTHROPIC_BASE_URL",
        "CLAUDE_CODE_OAUTH_TOKEN",
        "CLAUDE_CONFIG_DIR",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "no_proxy",
        "all_proxy",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "NODE_EXTRA_CA_CERTS",
    }
)
FORBIDDEN = frozenset(
    {
        "ADMIN_KEY",
        "ADMIN_KEYS",
        "API_KEY",
        "API_KEYS",
        "CLAUDECODE",
        "METRICS_TOKEN",
        "MODEGATE_LEDGER",
        "MODEGATE_STORE",
        "OPENAI_API_KEY",
    }
)

# Measured on 2.1.329, without DISABLE_ATTACHMENTS: a session with a login reads files that a prompt
# names as @/path. It also adds a hint if the prompt contains "ultrathink". Without RETRY_WATCHDOG
# the CLI does not report a `retry-after` over 60 s, nor the wait for a limit's end. The attempts at
# a structured answer are two: the first, and one repair.
SWITCHES: Mapping[str, str] = {
    "CLAUDE_CODE_DISABLE_ATTACHMENTS": "1",
    "CLAUDE_CODE_DISABLE_AUTO_MEMORY": "1",
    "CLAUDE_CODE_DISABLE_CLAUDE_MDS": "1",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "CLAUDE_CODE_RETRY_WATCHDOG": "1",
    "DISABLE_AUTOUPDATER": "1",
    "ENABLE_TOOL_SEARCH": "false",  # or a tool of the CLI stands among the client's
    "MAX_STRUCTURED_OUTPUT_RETRIES": "2",
    "TERM": "dumb",
}

log = logging.getLogger(__name__)


def build_environment(options: ClaudeOptions) -> dict[str, str]:
    """Returns the complete environment of a child."""
    allowed = (ALLOWED | set(options.environment_allow)) - FORBIDDEN
    inherited = {
        name: value for name, value in options.environment.items() if name in allowed and value
    }
    if "HOME" not in inherited:
        log.warning("HOME is not set: the claude CLI keeps its files in /tmp")
        inherited["HOME"] = "/tmp"  # noqa: S108 - the documented default without HOME
    flush = {"CLAUDE_CODE_EAGER_FLUSH": "1"} if options.eager_flush else {}
    return {
        **inherited,
        **SWITCHES,
        **flush,
        "CLAUDE_CODE_MAX_RETRIES": str(options.api_retries),
    }


def in_session(environment: Mapping[str, str], config: Path, temporary: Path) -> dict[str, str]:
    """Returns the environment of one session's children, with CLI folders of its own.

    A login stays in the folder where `claude` keeps it, and is renewed there (measured on 2.1.329).
    An empty value selects the CLI's default folder.
    """
    login = environment.get("CLAUDE_CONFIG_DIR", "")
    return {
        **environment,
        "CLAUDE_CODE_TMPDIR": str(temporary),
        "CLAUDE_CONFIG_DIR": str(config),
        "CLAUDE_SECURESTORAGE_CONFIG_DIR": login,
    }
