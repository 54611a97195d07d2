"""The headers of OpenAI's SDK, without the SDK: importing it costs 22 MiB and 0.5 s of CPU.

Tests compare them with the installed SDK (last with openai 3.52).
"""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import version

PACKAGE = "openai"
# Headers of the server's own account, and the variables that name it.
ACCOUNT = {"OpenAI-Organization": "OPENAI_ORG_ID", "OpenAI-Project": "OPENAI_PROJECT_ID"}
# More headers, a line each.
CUSTOM_HEADERS = "OPENAI_CUSTOM_HEADERS"
# Headers with which the SDK describes its own process.
OF_THE_PROCESS = "x-stainless-"
AUTHORIZATION = "Authorization"


def sdk_headers(key: str, environment: Mapping[str, str], *, of_account: bool) -> dict[str, str]:
    """Returns the headers that the SDK sends with each request, but those about its process.

    The variables of the environment are those that the SDK reads. Headers that name the server's
    account are there only if `of_account`. The key counts more than a header of the environment.
    """
    account = {name: environment[it] for name, it in ACCOUNT.items() if it in environment}
    headers = {
        "Accept": "application/json",
        "Content-Type": "application/json",
        "User-Agent": user_agent(),
        **account,
    }
    for name, value in _custom(environment):
        headers = replaced(headers, {name: value})
    headers = replaced(headers, {AUTHORIZATION: f"Bearer {key}"})
    names = () if of_account else tuple(map(str.lower, ACCOUNT))
    left_out = (OF_THE_PROCESS, *names)
    return {name: it for name, it in headers.items() if not name.lower().startswith(left_out)}


def replaced(headers: Mapping[str, str], by: Mapping[str, str]) -> dict[str, str]:
    """Returns the headers with others, which replace those of the same name in any case."""
    names = {name.lower() for name in by}
    return {name: it for name, it in headers.items() if name.lower() not in names} | dict(by)


@cache
def user_agent() -> str:
    """Returns the name of the installed SDK, which upstreams may know."""
    return f"AsyncOpenAI/Python {version(PACKAGE)}"


def _custom(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for line in environment.get(CUSTOM_HEADERS, "").split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            yield name.strip(), value.strip()
