"""Where a request goes, and with which headers: what the SDK knows, asked once a key."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from openai import AsyncOpenAI, DefaultAsyncHttpxClient
from yarl import URL

from modegate.adapters.openai_sdk.options import UpstreamOptions
from modegate.domain.access.api_key import ApiKey

# Sent by the SDK to describe its own process, or chosen by the server for its own account.
LEFT_OUT = ("x-stainless-",)
OF_THE_ACCOUNT = ("openai-organization", "openai-project")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The upstream's addresses, and the headers of one key."""

    chat_completions: URL
    models: URL
    headers: Mapping[str, str] = field(repr=False)


class Endpoints:
    """One SDK client a key, and what it says; the least recently used are dropped.

    The SDK reads the base URL's default, the account and the form of the credentials from its
    configuration; nothing in a request can change where it is sent.
    """

    def __init__(self, options: UpstreamOptions) -> None:
        self._server_key = options.api_key
        self._bound = options.clients
        self._sdk = AsyncOpenAI(
            api_key=options.api_key.reveal() if options.api_key else "none",
            base_url=options.address,
            max_retries=0,
            # Nothing is sent through it, so a proxy or certificates that it cannot use are no fault.
            http_client=DefaultAsyncHttpxClient(trust_env=False),
        )
        self._known: OrderedDict[ApiKey, Endpoint] = OrderedDict()

    def of(self, client_key: ApiKey | None) -> Endpoint | None:
        """The endpoint for the client's key, else for the server's; None where there is neither."""
        key = client_key or self._server_key
        if key is None:
            return None
        if key in self._known:
            self._known.move_to_end(key)
        else:
            self._known[key] = self._ask(key)
            if len(self._known) > self._bound:
                self._known.popitem(last=False)
        return self._known[key]

    async def aclose(self) -> None:
        """Close the SDK's client."""
        await self._sdk.close()

    def _ask(self, key: ApiKey) -> Endpoint:
        own = key == self._server_key
        sdk = self._sdk if own else self._sdk.copy(api_key=key.reveal())
        left_out = LEFT_OUT if own else (*LEFT_OUT, *OF_THE_ACCOUNT)
        headers = {
            name: value
            for name, value in (sdk.default_headers | sdk.auth_headers).items()
            if isinstance(value, str) and not name.lower().startswith(left_out)
        }
        # Streams pass through unbuffered only where nobody compresses them.
        headers["Accept-Encoding"] = "identity"
        base = URL(str(sdk.base_url))
        return Endpoint(base / "chat/completions", base / "models", headers)
