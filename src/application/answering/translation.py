"""A client's request in the terms of another API."""

from dataclasses import replace

from modegate.dialects.accepted_names import AcceptedNames, names_in
from modegate.dialects.chat.relayed import relayed_body
from modegate.dialects.json import parse_json_object
from modegate.dialects.passed import still_ignored
from modegate.dialects.registry import DIALECTS, upstream_dialect_of
from modegate.dialects.upstream_dialect import UpstreamDialect
from modegate.domain.conversation.conversation import Conversation
from modegate.domain.dialect_name import DialectName
from modegate.domain.errors import UnsupportedParameterError
from modegate.domain.errors.catalogue import dialects
from modegate.domain.generation_request import GenerationRequest
from modegate.domain.inbound_request import ChatBody
from modegate.domain.media.policy import MediaPolicy
from modegate.domain.parameters.param_policy import Effort, ParamPolicy
from modegate.domain.routing.route import RelayRoute
from modegate.domain.upstream_request import Target
from modegate.lazy_dataclass import dataclass

JSON = (("content-type", "application/json"),)
# What Claude Code rejects has no form in another API either.
POLICY = ParamPolicy()
CONVERSATION = "conversation"
TOOL_CHOICE = "tool_choice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """A parsed request for the upstream of a route, whose API is `dialect`."""

    route: RelayRoute
    client_dialect: DialectName
    dialect: UpstreamDialect
    asked: GenerationRequest

    def content(self) -> bytes:
        """Returns the body that the upstream receives, changed as its configuration says.

        Raises:
            RequestError: the upstream's API has no form for what is asked.
        """
        upstream = self.route.upstream
        model = self.route.model or self.asked.model
        names = self.names
        asked = names.replaced(self.asked) if names.replaces_any else self.asked
        content = self.dialect.request(asked, model, upstream.default_max_tokens)
        if not upstream.changes_bodies:
            return content
        return relayed_body(ChatBody(content, parse_json_object(content)), self.route)

    @property
    def target(self) -> Target | None:
        """Where the body is sent; None for the upstream's chat completions."""
        if self.route.upstream.speaks(DialectName.CHAT):
            return None
        return Target(method="POST", path=self.dialect.path, headers=JSON)

    @property
    def names(self) -> AcceptedNames:
        """The names of tools that the upstream's API accepts."""
        return AcceptedNames(names_in(self.asked), self.dialect.longest_tool_name)

    @property
    def origin(self) -> str:
        """The origin of the answer's thoughts, which no other model takes back."""
        return f"{self.route.upstream.base_url} {self.route.model or self.asked.model}"

    @property
    def has_thoughts(self) -> bool:
        """Whether the conversation has thoughts of the model."""
        messages = self.asked.conversation.messages
        return any(thought.signature for it in messages for thought in it.thoughts)

    def without_thoughts(self) -> "Translation":
        """Returns the request without the thoughts of its conversation."""
        said = (replace(it, thoughts=()) for it in self.asked.conversation.messages)
        return replace(self, asked=replace(self.asked, conversation=Conversation(tuple(said))))

    @property
    def ignored(self) -> tuple[str, ...]:
        """The client's parameters that the upstream does not receive."""
        sent = self.dialect.passes(self.asked) - self.route.upstream.drop_params
        return still_ignored(self.asked.ignored, sent, self.client_dialect)

    @property
    def shows_reasoning(self) -> bool:
        """Whether the client gets the reasoning: unless it has turned it off."""
        return self.asked.shows_reasoning or self.asked.effort is not Effort.NONE


def translation_of(
    route: RelayRoute, body: ChatBody, client_dialect: DialectName, media: MediaPolicy
) -> Translation:
    """Parses a request that is translated.

    Raises:
        RequestError: if a value is invalid, or has no form in another API.
    """
    if client_dialect is DialectName.RESPONSES and body.params.get(CONVERSATION) is not None:
        raise dialects.untranslatable(CONVERSATION)  # it is a session of Claude Code
    dialect = upstream_dialect_of(route.upstream)
    linked = replace(media, fetches=False)  # the upstream's own API takes URLs
    try:
        asked = DIALECTS[client_dialect].parse(body.params, POLICY, linked)
    except UnsupportedParameterError as error:
        if error.param == TOOL_CHOICE:  # it says which tool is missing, whatever the upstream
            raise
        raise dialects.untranslatable(error.param) from error
    return Translation(route=route, client_dialect=client_dialect, dialect=dialect, asked=asked)
