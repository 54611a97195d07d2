"""The dialects by their names, and those of upstreams."""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from urllib.parse import urlsplit

from modegate.dialects.chat.dialect import ChatDialect
from modegate.dialects.chat.upstream.dialect import COMPATIBLE_CHAT, OPENAI_CHAT
from modegate.dialects.dialect import Dialect
from modegate.dialects.messages.dialect import MessagesDialect
from modegate.dialects.messages.upstream.dialect import MessagesUpstream
from modegate.dialects.responses.dialect import ResponsesDialect
from modegate.dialects.upstream_dialect import UpstreamDialect
from modegate.domain.dialect_name import DialectName
from modegate.domain.routing.upstream import Upstream, UpstreamKind

MESSAGES = MessagesUpstream()
# Those of OpenAI itself, and of Azure.
OPENAI_HOSTS = (".openai.com", ".openai.azure.com")

DIALECTS: Mapping[DialectName, Dialect] = MappingProxyType(
    {
        DialectName.CHAT: ChatDialect(),
        DialectName.RESPONSES: ResponsesDialect(),
        DialectName.MESSAGES: MessagesDialect(),
    }
)


def upstream_dialect_of(upstream: Upstream) -> UpstreamDialect:
    """Returns the dialect of translated requests to an upstream."""
    if upstream.kind is UpstreamKind.ANTHROPIC:
        return MESSAGES
    return OPENAI_CHAT if _is_openai(upstream.base_url) else COMPATIBLE_CHAT


@lru_cache(maxsize=256)
def _is_openai(base_url: str) -> bool:
    return (urlsplit(base_url).hostname or "").endswith(OPENAI_HOSTS)
