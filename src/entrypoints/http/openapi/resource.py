"""`GET /openapi.json` and `GET /docs`."""

from collections.abc import Callable

import falcon
import falcon.asgi

from modegate.dialects.json import encode
from modegate.entrypoints.http.openapi.inputs import Facts
from modegate.lazy_dataclass import dataclass


class Description:
    """Builds the document and its page on the first request, and caches them as bytes.

    They are built again after a change of the facts, such as the first key. Also imports the
    builders only then, because most gateways never need them.
    """

    def __init__(self, facts: Callable[[], Facts]) -> None:
        self._facts = facts
        self._document: tuple[Facts, bytes] | None = None
        self._page: tuple[Facts, tuple[bytes, str]] | None = None

    @property
    def document(self) -> bytes:
        """The OpenAPI document as JSON."""
        from modegate.entrypoints.http.openapi.document import build_document  # noqa: PLC0415

        facts = self._facts()
        if self._document is None or self._document[0] != facts:
            self._document = facts, encode(build_document(facts))
        return self._document[1]

    @property
    def page(self) -> tuple[bytes, str]:
        """The HTML page and its content security policy."""
        from modegate.entrypoints.http.openapi.document import build_document  # noqa: PLC0415
        from modegate.entrypoints.http.openapi.page import POLICY, render_page  # noqa: PLC0415

        facts = self._facts()
        if self._page is None or self._page[0] != facts:
            self._page = facts, (render_page(build_document(facts)), POLICY)
        return self._page[1]


@dataclass(frozen=True, slots=True)
class OpenApi:
    """Serves the OpenAPI document."""

    description: Description

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:  # noqa: ARG002
        """Responds with the document as JSON."""
        resp.data = self.description.document


@dataclass(frozen=True, slots=True)
class Docs:
    """Serves the HTML page."""

    description: Description

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:  # noqa: ARG002
        """Responds with the page; its content security policy allows only its own style."""
        resp.content_type = falcon.MEDIA_HTML
        resp.data, policy = self.description.page
        resp.set_header("Content-Security-Policy", policy)
