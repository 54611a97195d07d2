"""Reads the options of `modegate usage`."""

import argparse
import re
import time
from collections.abc import Mapping

from modegate.entrypoints.cli.gateway_address import UsageError

AGO = re.compile(r"(\d{1,6})([mhdw])", re.ASCII)
SECONDS = {"m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}


def read_usage_options(options: argparse.Namespace) -> Mapping[str, str]:
    """Returns the query parameters of the admin API.

    Raises:
        UsageError: a value is empty.
    """
    given = {"group_by": options.by, "from": options.since, "key": options.key}
    parameters = {name: value for name, value in given.items() if value is not None}
    if "" in parameters.values():
        raise UsageError("--by, --since and --key must not be empty")
    if (ago := AGO.fullmatch(parameters.get("from", ""))) is not None:
        parameters["from"] = str(max(int(time.time()) - int(ago[1]) * SECONDS[ago[2]], 0))
    return parameters
