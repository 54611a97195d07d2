"""Defines the commands that ask the admin API of a running gateway."""

import argparse

from modegate.entrypoints.cli.parser import Commands, FileOption, Parser, add_config_file

# Written here, so that `--help` need not import the domain.
MODES = ("claude-code", "openai-passthrough")
PERIODS = ("day", "week", "month")

CREDENTIAL_ACTIONS = {
    "list": "list the credentials and their states",
    "enable": "bring a credential back, without a cool-down",
    "disable": "take a credential out of use",
    "probe": "send a request with a credential now",
}

KEY_ACTIONS = {
    "create": "make a key, and print its secret",
    "list": "list the keys and their rules",
    "revoke": "revoke a key for ever",
    "rotate": "give a key a new secret, and print it",
}

USAGE_ACTIONS = {
    "export": "write all requests of the ledger as JSON lines",
    "import": "add exported requests to the ledger, each once",
}

ADMIN = """\
The command asks a running gateway that has ADMIN_KEY.

environment:
  ADMIN_KEY   the key to send; without --url, by default the first of the
              settings' ADMIN_KEY and ADMIN_KEYS"""


RELOAD = """\
The command asks a running gateway that has ADMIN_KEY. The gateway reads its own
file; --config only tells this command where the gateway is.

environment:
  ADMIN_KEY   the key to send; without --url, by default the first of the
              settings' ADMIN_KEY and ADMIN_KEYS"""


USAGE = """\
Without an action, the command asks a running gateway that has ADMIN_KEY. The
actions work with the ledger in MODEGATE_STATE_DIR; they need no gateway.

environment:
  ADMIN_KEY   the key to send; without --url, by default the first of the
              settings' ADMIN_KEY and ADMIN_KEYS"""


def add_credentials(commands: Commands) -> None:
    """Adds `modegate credentials`."""
    credentials = commands.add_parser(
        "credentials",
        help="manage the credentials of a gateway",
        epilog=ADMIN,
    )
    actions = credentials.add_subparsers(
        required=True, dest="action", metavar="ACTION", title="actions"
    )
    for name, what in CREDENTIAL_ACTIONS.items():
        action = actions.add_parser(name, help=what)
        if name == "list":
            action.set_defaults(id=None)
        else:
            action.add_argument("id", metavar="ID", help="the id, as in `credentials list`")
        _add_admin_options(action)


def add_keys(commands: Commands) -> None:
    """Adds `modegate keys`."""
    keys = commands.add_parser("keys", help="manage the keys of clients", epilog=ADMIN)
    actions = keys.add_subparsers(required=True, dest="action", metavar="ACTION", title="actions")
    for name, what in KEY_ACTIONS.items():
        action = actions.add_parser(name, help=what)
        if name == "create":
            _add_rules(action)
        elif name != "list":
            action.add_argument("id", metavar="ID", help="the id, as in `keys list`")
        if name == "rotate":
            action.add_argument(
                "--grace", type=int, metavar="SECONDS", help="how long the old secret works (3600)"
            )
        _add_admin_options(action)


def add_reload(commands: Commands) -> None:
    """Adds `modegate reload`."""
    reload = commands.add_parser(
        "reload", help="make a running gateway read its settings again", epilog=RELOAD
    )
    reload.add_argument("--json", action="store_true", help="print JSON, for scripts")
    reload.add_argument(
        "--url", help="the gateway's address; by default the settings' HOST and PORT"
    )
    add_config_file(reload)


def add_usage(commands: Commands) -> None:
    """Adds `modegate usage`."""
    usage = commands.add_parser(
        "usage", help="show the usage of a gateway, export or import it", epilog=USAGE
    )
    usage.add_argument("--by", metavar="GROUPS", default="model", help="such as key,day (model)")
    usage.add_argument("--since", metavar="TIME", help="7d, 24h, a date or a time (30d)")
    usage.add_argument("--key", metavar="ID", help="only the requests of this key")
    _add_admin_options(usage)
    actions = usage.add_subparsers(dest="action", metavar="ACTION", title="actions")
    for name, what in USAGE_ACTIONS.items():
        action = actions.add_parser(name, help=what)
        action.add_argument("file", action=FileOption, metavar="FILE", help="JSON lines; or -")
        add_config_file(action, default=argparse.SUPPRESS)


def _add_rules(create: Parser) -> None:
    create.add_argument("name", metavar="NAME", help="what the key is for")
    create.add_argument(
        "--model", action="append", metavar="NAME", help="a model, or gpt-4o*; may be repeated"
    )
    create.add_argument("--mode", action="append", choices=MODES, help="may be repeated")
    create.add_argument("--default-mode", choices=MODES, help="of requests that name none")
    create.add_argument("--expires-at", metavar="TIME", help="like 2027-01-31T00:00:00Z")
    create.add_argument("--rpm", type=int, metavar="N", help="requests a minute")
    create.add_argument("--tpm", type=int, metavar="N", help="tokens a minute")
    create.add_argument("--concurrency", type=int, metavar="N", help="requests at once")
    create.add_argument("--budget-usd", type=float, metavar="N", help="US dollars a period")
    create.add_argument("--budget-tokens", type=int, metavar="N", help="tokens a period")
    create.add_argument("--budget-period", choices=PERIODS, help="by default a month")


def _add_admin_options(action: Parser) -> None:
    action.add_argument("--json", action="store_true", help="print JSON, for scripts")
    action.add_argument(
        "--url", help="the gateway's address; by default the settings' HOST and PORT"
    )
    add_config_file(action)
