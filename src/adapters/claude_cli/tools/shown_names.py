"""The names of the client's tools in an answer."""

from collections.abc import Collection

from modegate.adapters.claude_cli.tools.offered_tools import PREFIX, NameFilter, OfferedTools


class ShownNames:
    """Maps the CLI's names to the client's; `built_in` are the tools that the CLI runs itself.

    The CLI also takes a name of the client's without the prefix (2.1.329).
    """

    def __init__(self, tools: OfferedTools, built_in: Collection[str] = ()) -> None:
        self._tools = tools
        self._names = {str(entry["name"]) for entry in tools.listing()}
        self._built_in = {it.partition("(")[0] for it in built_in}

    def client_name(self, cli_name: str) -> str | None:
        """Returns the client's name of a tool; None if the tool is not the client's."""
        name = cli_name.removeprefix(PREFIX)
        if name not in self._names or cli_name in self._built_in:
            return None
        return self._tools.client_name(cli_name)

    def text_filter(self) -> NameFilter:
        """Returns a filter that removes the prefix of the names."""
        return NameFilter()
