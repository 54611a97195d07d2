"""`GET /v1/models` and `GET /v1/models/{id}`."""

from collections.abc import Callable, Sequence
from functools import partial

import falcon
import falcon.asgi

from modegate.application.list_models import ListModels
from modegate.dialects.dialect import ErrorFacts
from modegate.dialects.json import encode
from modegate.dialects.model_lists import (
    Object,
    anthropic_model,
    codex_list,
    openai_list,
    openai_model,
)
from modegate.dialects.model_pages import anthropic_page, read_page
from modegate.domain.access.client import Client
from modegate.domain.access.key_rules import NO_RULES
from modegate.domain.dialect_name import DialectName
from modegate.domain.errors import GatewayError, ModelNotFoundError
from modegate.domain.routing.listed_model import ListedModel
from modegate.entrypoints.http.messages.error_forms import ANTHROPIC_VERSION, error_form_of
from modegate.entrypoints.http.messages.errors import INVALID, OPENAI, ErrorForm
from modegate.entrypoints.http.middleware.authentication import Authenticator
from modegate.entrypoints.http.middleware.client_connection import connection_of
from modegate.entrypoints.http.middleware.request_log import record_of
from modegate.lazy_dataclass import dataclass

UPSTREAM_FAILED = "X-Upstream-Models-Error"
# Sent by Codex.
CLIENT_VERSION = "client_version"


@dataclass(frozen=True, slots=True)
class Models:
    """The list of models that the client may use; the upstreams' need a key where others do."""

    list_models: ListModels
    authenticator: Authenticator

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Responds with the models, in the form of the client's API."""
        client = await _client_of(req, self.authenticator)
        dialect = _dialect_of(req)
        render = _renderer_of(dialect, req)
        models = await self.list_models.execute(
            include_upstream=client is not None,
            failed=partial(_note_failure, req, resp),
            rules=NO_RULES if client is None else client.rules,
            dialect=dialect,
        )
        resp.data = encode(render(models))


@dataclass(frozen=True, slots=True)
class Model:
    """One model of the list."""

    list_models: ListModels
    authenticator: Authenticator

    async def on_get(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, model: str
    ) -> None:
        """Responds with the model, or with 404."""
        client = await _client_of(req, self.authenticator)
        found = await self.list_models.find(
            model,
            include_upstream=client is not None,
            rules=NO_RULES if client is None else client.rules,
        )
        if found is not None:
            has_version = req.get_header(ANTHROPIC_VERSION) is not None
            resp.data = encode(anthropic_model(found) if has_version else openai_model(found))
            return
        record = record_of(req)
        record.fail(ModelNotFoundError.code)
        form = error_form_of(req.path, connection_of(req).headers, record.request_id)
        resp.status = 404
        resp.data = no_such_model(form)


def no_such_model(form: ErrorForm = OPENAI) -> bytes:
    """Returns the error for an unknown model; sent with 404, because it is in the path."""
    facts = ErrorFacts(
        status=404,
        kind=INVALID,
        code=ModelNotFoundError.code,
        message="There is no such model: see GET /v1/models.",
        param="model",
        request_id=form.request_id,
    )
    return form.dialect.error(facts)[1]


def _note_failure(
    req: falcon.asgi.Request, resp: falcon.asgi.Response, error: GatewayError
) -> None:
    """Reports in a header and in the log that an upstream's list is missing or old."""
    resp.set_header(UPSTREAM_FAILED, error.code)
    record_of(req).fail(error.code)


def _dialect_of(req: falcon.asgi.Request) -> DialectName:
    """Returns the dialect of the client; only Codex and Anthropic's clients show theirs."""
    if req.get_param(CLIENT_VERSION) is not None:
        return DialectName.RESPONSES
    is_anthropic = req.get_header(ANTHROPIC_VERSION) is not None
    return DialectName.MESSAGES if is_anthropic else DialectName.CHAT


def _renderer_of(
    dialect: DialectName, req: falcon.asgi.Request
) -> Callable[[Sequence[ListedModel]], Object]:
    """Returns what renders the list, or the page that the query asks for."""
    match dialect:
        case DialectName.MESSAGES:
            return partial(anthropic_page, page=read_page(req.params))
        case DialectName.RESPONSES:
            return codex_list
        case DialectName.CHAT:
            return openai_list


async def _client_of(req: falcon.asgi.Request, authenticator: Authenticator) -> Client | None:
    """Returns the client; checks its key if it sent one.

    Without a needed key it is None, and sees Claude's models only, unless it asks for more.
    """
    if "upstream" not in (req.get_param_as_list("include") or ()):
        return await authenticator.known_client(req)
    return await authenticator.admit(req)
