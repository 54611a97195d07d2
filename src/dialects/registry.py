"""The dialects by their names."""

from collections.abc import Mapping
from types import MappingProxyType

from modegate.dialects.chat.dialect import ChatDialect
from modegate.dialects.dialect import Dialect
from modegate.dialects.messages.dialect import MessagesDialect
from modegate.dialects.responses.dialect import ResponsesDialect
from modegate.domain.dialect_name import DialectName

DIALECTS: Mapping[DialectName, Dialect] = MappingProxyType(
    {
        DialectName.CHAT: ChatDialect(),
        DialectName.RESPONSES: ResponsesDialect(),
        DialectName.MESSAGES: MessagesDialect(),
    }
)
