"""`GET /openapi.json` and `GET /docs`."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import falcon
import falcon.asgi

from modegate.entrypoints.http.openapi.document import Facts, build_document
from modegate.entrypoints.http.openapi.page import POLICY, render_page
from modegate.entrypoints.http.wire import encode


class Description:
    """The document and its page; both are made when somebody asks, and kept as bytes."""

    def __init__(self, facts: Facts) -> None:
        self.document: Callable[[], bytes] = cache(lambda: encode(build_document(facts)))
        self.page: Callable[[], bytes] = cache(lambda: render_page(build_document(facts)))


@dataclass(frozen=True, slots=True)
class OpenApi:
    """For programs."""

    description: Description

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:  # noqa: ARG002
        """The document, in JSON."""
        resp.data = self.description.document()


@dataclass(frozen=True, slots=True)
class Docs:
    """For people."""

    description: Description

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:  # noqa: ARG002
        """The page; its policy allows its own style, and nothing else."""
        resp.content_type = falcon.MEDIA_HTML
        resp.set_header("Content-Security-Policy", POLICY)
        resp.data = self.description.page()
