"""`GET /v1/models` and `GET /v1/models/{id}`."""

from dataclasses import dataclass
from functools import partial

import falcon
import falcon.asgi

from modegate.application.list_models import ListModels
from modegate.dialects.json import encode
from modegate.domain.errors import GatewayError, ModelNotFoundError
from modegate.entrypoints.http.messages.errors import INVALID, error_object
from modegate.entrypoints.http.middleware.authentication import Authenticator
from modegate.entrypoints.http.middleware.request_log import record_of

UPSTREAM_FAILED = "X-Upstream-Models-Error"


@dataclass(frozen=True, slots=True)
class Models:
    """The list of models; the upstream's models require admission."""

    list_models: ListModels
    authenticator: Authenticator

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Responds with all models; with `?include=upstream` also with those of the upstream."""
        upstream = await _includes_upstream(req, self.authenticator)
        failed = partial(_note_failure, req, resp)
        data = await self.list_models.execute(include_upstream=upstream, failed=failed)
        resp.data = encode({"object": "list", "data": data})


@dataclass(frozen=True, slots=True)
class Model:
    """One model of the list."""

    list_models: ListModels
    authenticator: Authenticator

    async def on_get(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, model: str
    ) -> None:
        """Responds with the model, or with 404."""
        upstream = await _includes_upstream(req, self.authenticator)
        found = await self.list_models.find(model, include_upstream=upstream)
        if found is not None:
            resp.data = encode(found)
            return
        record_of(req).fail(ModelNotFoundError.code)
        resp.status = 404
        resp.data = no_such_model()


def no_such_model() -> bytes:
    """Returns the error for an unknown model; sent with 404, because it is in the path."""
    return error_object(
        "There is no such model: see GET /v1/models.", INVALID, ModelNotFoundError.code, "model"
    )


def _note_failure(
    req: falcon.asgi.Request, resp: falcon.asgi.Response, error: GatewayError
) -> None:
    """Reports in a header and in the log that the upstream's models are missing."""
    resp.set_header(UPSTREAM_FAILED, error.code)
    record_of(req).fail(error.code)


async def _includes_upstream(req: falcon.asgi.Request, authenticator: Authenticator) -> bool:
    if "upstream" not in (req.get_param_as_list("include") or ()):
        return False
    await authenticator.admit(req)
    return True
