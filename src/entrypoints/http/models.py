"""`GET /v1/models` and `GET /v1/models/{id}`."""

from dataclasses import dataclass

import falcon
import falcon.asgi

from modegate.application.list_models import ListModels, ModelObject
from modegate.entrypoints.http.errors import INVALID, error_object
from modegate.entrypoints.http.wire import encode


@dataclass(frozen=True, slots=True)
class Models:
    """The list."""

    list_models: ListModels

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """All models; with `?include=upstream` those of the upstream too."""
        data = await _listed(self.list_models, req)
        resp.data = encode({"object": "list", "data": data})


@dataclass(frozen=True, slots=True)
class Model:
    """One of the list."""

    list_models: ListModels

    async def on_get(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, model: str
    ) -> None:
        """The model with this id."""
        for known in await _listed(self.list_models, req):
            if known["id"] == model:
                resp.data = encode(known)
                return
        resp.status = 404
        resp.data = error_object(
            "There is no such model: see GET /v1/models.", INVALID, "model_not_found", "model"
        )


async def _listed(list_models: ListModels, req: falcon.asgi.Request) -> list[ModelObject]:
    include_upstream = "upstream" in (req.get_param_as_list("include") or ())
    return list(await list_models(include_upstream=include_upstream))
