"""The use case that tries a credential now."""

from contextlib import suppress

from modegate.application.credentials.failures import failure_of_error, failure_of_response
from modegate.application.credentials.manage import Found, ManageCredentials
from modegate.application.credentials.view import CredentialView
from modegate.application.ports.answer_backend import AnswerBackend
from modegate.application.ports.model_catalog import ModelCatalog
from modegate.application.sessions.registry import SessionRegistry
from modegate.domain.access.client import ANONYMOUS
from modegate.domain.answer.fold import fold
from modegate.domain.conversation.prompt import Prompt
from modegate.domain.credentials.verdict import Failure
from modegate.domain.errors import GatewayError, UpstreamRefusalError
from modegate.domain.routing.model_map import DEFAULT_NAME
from modegate.domain.routing.route import CLAUDE
from modegate.domain.turn import Turn
from modegate.lazy_dataclass import dataclass

PROMPT = Prompt.of_text("Answer with the word: ok")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeCredential:
    """Sends a request with one credential, disabled ones included, and records the outcome.

    An upstream is asked for its models, and Claude Code for one word.
    """

    credentials: ManageCredentials
    catalog: ModelCatalog
    backend: AnswerBackend
    sessions: SessionRegistry

    async def execute(self, credential_id: str) -> CredentialView:
        """Returns the credential after the probe.

        A good answer ends a cool-down. A bad one counts and cools as that of a request does.

        Raises:
            CredentialNotFoundError: no credential has this id.
        """
        pools = self.credentials.pools
        if not pools.states.is_loaded:
            await pools.states.load()
        if credential_id == CLAUDE:
            await self._probe_claude()
        else:
            await self._probe(self.credentials.find(credential_id))
        pools.states.note(credential_id, urgent=True)
        with suppress(GatewayError):  # the background repeats it
            await pools.states.save()
        return self.credentials.get(credential_id)

    async def _probe(self, found: Found) -> None:
        pools, pool, member = self.credentials.pools, found.pool, found.member
        try:
            await self.catalog.list_models(found.upstream, member.credential)
        except GatewayError as error:
            pools.fail(pool, member, self._failure(error))
            return
        pools.succeed(pool, member)
        member.state.clear()
        pool.refresh()

    def _failure(self, error: GatewayError) -> Failure:
        if isinstance(error, UpstreamRefusalError):
            return failure_of_response(error.response, self.credentials.clock.time_of_day())
        return failure_of_error(error)

    async def _probe_claude(self) -> None:
        claude = self.credentials.claude
        routes = self.credentials.pools.configuration.current().routes
        cli_model = routes.models.resolve(DEFAULT_NAME)
        with suppress(GatewayError):  # it is in the state
            async with self.sessions.start(ANONYMOUS.id, cli_model) as session:
                turn = Turn(cli_model=cli_model, prompt=PROMPT, session=session)
                try:
                    with claude.attempt():
                        async with self.backend.generate(turn) as events:
                            await fold(events)
                finally:
                    await self.sessions.transcripts.delete(session.id)
