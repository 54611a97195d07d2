"""`/v1/files`: the gateway's files, and those of upstreams."""

import falcon.asgi

from modegate.application.batches.manage_files import ManageFiles
from modegate.dialects.batch_objects import deleted_file, file_object, list_object
from modegate.dialects.json import encode
from modegate.domain.access.client import Client
from modegate.domain.batches.file import ID_PREFIX, Purpose
from modegate.domain.errors.catalogue import batches as errors
from modegate.entrypoints.http.messages.request_body import check_identity
from modegate.entrypoints.http.middleware.client_connection import connection_of
from modegate.entrypoints.http.middleware.request_lifecycle import exit_stack_of
from modegate.entrypoints.http.resources.batches.form import ANCHOR, SECONDS, open_form
from modegate.entrypoints.http.resources.batches.ownership import Own
from modegate.entrypoints.http.resources.batches.query import life_s, limit_of, parameters_of
from modegate.entrypoints.http.resources.relayed import Relayed
from modegate.lazy_dataclass import dataclass

MAX_FILES = 10_000
ORDERS = ("asc", "desc")
CONTENT = "content"
BYTES = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a client."""

    files: ManageFiles
    own: Own
    relayed: Relayed
    is_relayed = True

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Responds with a page of the files."""
        if not self.own.is_of_gateway(self.own.decide(req)):
            await self.relayed.serve(req, resp)
            return
        client = await self.own.authenticator.admit(req)
        given = parameters_of(req, ("after", "limit", "order", "purpose"))
        order = given.get("order", "desc")
        if order not in ORDERS:
            raise errors.wrong("order", f"one of {', '.join(ORDERS)}")
        page = await self.files.list(
            client.id,
            purpose=_purpose(given.get("purpose")),
            after=given.get("after"),
            limit=limit_of(given, MAX_FILES, MAX_FILES),
            newest_first=order == "desc",
        )
        listed = list_object([file_object(it) for it in page.files], has_more=page.has_more)
        resp.data = encode(listed)

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Stores a file."""
        if not self.own.is_of_gateway(self.own.decide(req)):
            await self.relayed.serve(req, resp)
            return
        client = await self.own.authenticator.admit(req)
        check_identity(req)
        control = connection_of(req).control
        if control is not None:
            control.expect_upload()
        form = await open_form(req, self.own.options().max_upload)
        name = await form.find_file()
        life = life_s(form.fields.get(ANCHOR), form.fields.get(SECONDS))
        stored = await self.files.upload(client.id, name, form.content(), life)
        resp.data = encode(file_object(stored))

    async def on_delete(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Relays the request, which the gateway's own files do not know."""
        await self.relayed.serve(req, resp)


@dataclass(frozen=True, slots=True)
class OneFile:
    """One file of a client, and its content."""

    files: ManageFiles
    own: Own
    relayed: Relayed
    is_relayed = True

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, path: str) -> None:
        """Responds with the file, or with its content."""
        client = await self.own.admit(req, path, ID_PREFIX)
        if client is None:
            await self.relayed.serve(req, resp)
            return
        file_id, _, rest = path.partition("/")
        if rest == CONTENT:
            await self._send_content(req, resp, client, file_id)
        elif rest:
            raise errors.unknown_file()
        else:
            resp.data = encode(file_object(await self.files.get(client.id, file_id)))

    async def on_post(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, path: str
    ) -> None:
        """Relays the request; the gateway's own files have no such operation."""
        if await self.own.admit(req, path, ID_PREFIX) is None:
            await self.relayed.serve(req, resp)
            return
        raise errors.unknown_file()

    async def on_delete(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, path: str
    ) -> None:
        """Deletes the file."""
        client = await self.own.admit(req, path, ID_PREFIX)
        if client is None:
            await self.relayed.serve(req, resp)
            return
        await self.files.remove(client.id, path)
        resp.data = encode(deleted_file(path))

    async def _send_content(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, client: Client, file_id: str
    ) -> None:
        opened = self.files.content(client.id, file_id)
        file, pieces = await exit_stack_of(req.scope).enter_async_context(opened)
        resp.content_type = BYTES
        resp.content_length = file.size
        resp.stream = pieces


def _purpose(text: str | None) -> Purpose | None:
    if text is None:
        return None
    try:
        return Purpose(text)
    except ValueError:
        raise errors.wrong("purpose", f"one of {', '.join(Purpose)}") from None
