"""The addresses and headers of requests, obtained from the SDK once for each key."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from openai import AsyncOpenAI, DefaultAsyncHttpxClient
from yarl import URL

from modegate.adapters.openai_sdk.options import UpstreamOptions
from modegate.domain.access.api_key import ApiKey

# Headers with which the SDK describes its own process.
LEFT_OUT = ("x-stainless-",)
# Headers of the server's own account, which do not belong to a client's key.
OF_THE_ACCOUNT = ("openai-organization", "openai-project")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The upstream's addresses, and the headers for one key."""

    chat_completions: URL
    models: URL
    headers: Mapping[str, str] = field(repr=False)


class Endpoints:
    """An LRU cache of endpoints, one for each key.

    The SDK determines the account headers and the form of the credentials. Nothing in a request can
    change the address to which it is sent.
    """

    def __init__(self, options: UpstreamOptions) -> None:
        self._server_key = options.api_key
        self._bound = options.clients
        self._sdk = AsyncOpenAI(
            api_key=options.api_key.reveal() if options.api_key else "none",
            base_url=options.address,
            max_retries=0,
            # Nothing is sent through this client, so invalid proxies or certificates must not fail.
            http_client=DefaultAsyncHttpxClient(trust_env=False),
        )
        self._known: OrderedDict[ApiKey, Endpoint] = OrderedDict()

    def of(self, client_key: ApiKey | None) -> Endpoint | None:
        """Returns the endpoint for the client's key, or else the server's; None without a key."""
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
        """Closes the SDK's client."""
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
        # Compression would buffer streams.
        headers["Accept-Encoding"] = "identity"
        base = URL(str(sdk.base_url))
        return Endpoint(base / "chat/completions", base / "models", headers)
