"""`GET /v1/models` and `GET /v1/models/{id}`."""

from dataclasses import dataclass

import falcon
import falcon.asgi

from modegate.application.list_models import ListModels
from modegate.entrypoints.http.errors import INVALID, error_object
from modegate.entrypoints.http.wire import encode


@dataclass(frozen=True, slots=True)
class Models:
    """The list."""

    list_models: ListModels

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """All models; with `?include=upstream` those of the upstream too."""
        data = await self.list_models(include_upstream=_includes_upstream(req))
        resp.data = encode({"object": "list", "data": data})


@dataclass(frozen=True, slots=True)
class Model:
    """One of the list."""

    list_models: ListModels

    async def on_get(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, model: str
    ) -> None:
        """The model with this id."""
        found = await self.list_models.find(model, include_upstream=_includes_upstream(req))
        if found is not None:
            resp.data = encode(found)
            return
        resp.status = 404
        resp.data = error_object(
            "There is no such model: see GET /v1/models.", INVALID, "model_not_found", "model"
        )


def _includes_upstream(req: falcon.asgi.Request) -> bool:
    return "upstream" in (req.get_param_as_list("include") or ())
