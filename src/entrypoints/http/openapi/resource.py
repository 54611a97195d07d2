"""`GET /openapi.json` and `GET /docs`."""

from dataclasses import dataclass
from functools import cached_property

import falcon
import falcon.asgi

from modegate.dialects.json import encode
from modegate.entrypoints.http.openapi.inputs import Facts


class Description:
    """The document and its page; both are made when somebody asks, and kept as bytes.

    What makes them is not even loaded before, for most gateways are never asked.
    """

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    @cached_property
    def document(self) -> bytes:
        """For programs."""
        from modegate.entrypoints.http.openapi.document import build_document  # noqa: PLC0415

        return encode(build_document(self._facts))

    @cached_property
    def page(self) -> tuple[bytes, str]:
        """For people, with its content security policy."""
        from modegate.entrypoints.http.openapi.document import build_document  # noqa: PLC0415
        from modegate.entrypoints.http.openapi.page import POLICY, render_page  # noqa: PLC0415

        return render_page(build_document(self._facts)), POLICY


@dataclass(frozen=True, slots=True)
class OpenApi:
    """For programs."""

    description: Description

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:  # noqa: ARG002
        """The document, in JSON."""
        resp.data = self.description.document


@dataclass(frozen=True, slots=True)
class Docs:
    """For people."""

    description: Description

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:  # noqa: ARG002
        """The page; its policy allows its own style, and nothing else."""
        resp.content_type = falcon.MEDIA_HTML
        resp.data, policy = self.description.page
        resp.set_header("Content-Security-Policy", policy)
