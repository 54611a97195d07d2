"""`/v1/batches`: the gateway's batches, and those of upstreams."""

import falcon.asgi

from modegate.application.batches.manage_batches import ManageBatches
from modegate.dialects.batch_objects import batch_object, list_object
from modegate.dialects.json import encode, parse_json_object
from modegate.domain.batches.batch import ID_PREFIX
from modegate.domain.batches.file import ID_PREFIX as FILE_PREFIX
from modegate.domain.errors import GatewayError
from modegate.domain.errors.catalogue import batches as errors
from modegate.entrypoints.http.messages.request_body import MIB, read_json_body
from modegate.entrypoints.http.middleware.client_connection import connection_of
from modegate.entrypoints.http.resources.batches.ownership import Own, has_small_json
from modegate.entrypoints.http.resources.batches.query import (
    batch_request_of,
    limit_of,
    parameters_of,
)
from modegate.entrypoints.http.resources.begun import Begun
from modegate.entrypoints.http.resources.relayed import Relayed
from modegate.lazy_dataclass import dataclass

DEFAULT_LIMIT, MAX_LIMIT = 20, 100
CANCEL = "cancel"
# Larger than any body that creates a batch.
LONGEST_BODY = MIB


@dataclass(frozen=True, slots=True)
class Batches:
    """The batches of a client."""

    batches: ManageBatches
    own: Own
    relayed: Relayed
    is_relayed = True

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Responds with a page of the batches."""
        if not self.own.is_of_gateway(self.own.decide(req)):
            await self.relayed.serve(req, resp)
            return
        client = await self.own.authenticator.admit(req)
        given = parameters_of(req, ("after", "limit"))
        page = await self.batches.list(
            client.id,
            after=given.get("after"),
            limit=limit_of(given, DEFAULT_LIMIT, MAX_LIMIT),
        )
        listed = list_object([batch_object(it) for it in page.batches], has_more=page.has_more)
        resp.data = encode(listed)

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Creates a batch; of an upstream's file, the upstream does."""
        decision = self.own.decide(req)
        is_ours = self.own.is_of_gateway(decision)
        if not is_ours and not has_small_json(req, LONGEST_BODY):
            await self.relayed.serve(req, resp)
            return
        client = await self.own.authenticator.admit(req)
        connection = connection_of(req)
        content = await read_json_body(req, connection.headers, LONGEST_BODY, connection.read_body)
        if not is_ours and not _names_our_file(content):
            await self.relayed.serve(req, resp, Begun(client, content))
            return
        request = batch_request_of(parse_json_object(content))
        resp.data = encode(batch_object(await self.batches.create(client, decision.mode, request)))

    async def on_delete(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Relays the request, which the gateway's own batches do not know."""
        await self.relayed.serve(req, resp)


@dataclass(frozen=True, slots=True)
class OneBatch:
    """One batch of a client."""

    batches: ManageBatches
    own: Own
    relayed: Relayed
    is_relayed = True

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, path: str) -> None:
        """Responds with the batch."""
        client = await self.own.admit(req, path, ID_PREFIX)
        if client is None:
            await self.relayed.serve(req, resp)
            return
        resp.data = encode(batch_object(await self.batches.get(client.id, path)))

    async def on_post(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, path: str
    ) -> None:
        """Cancels the batch."""
        client = await self.own.admit(req, path, ID_PREFIX)
        if client is None:
            await self.relayed.serve(req, resp)
            return
        batch_id, _, rest = path.partition("/")
        if rest != CANCEL:
            raise errors.unknown_batch()
        resp.data = encode(batch_object(await self.batches.cancel(client.id, batch_id)))

    async def on_delete(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, path: str
    ) -> None:
        """Relays the request; the gateway's own batches cannot be deleted."""
        if await self.own.admit(req, path, ID_PREFIX) is None:
            await self.relayed.serve(req, resp)
            return
        raise errors.unknown_batch()


def _names_our_file(content: bytes) -> bool:
    try:
        file_id = parse_json_object(content).get("input_file_id")
    except GatewayError:  # as the upstream sees it
        return False
    return isinstance(file_id, str) and file_id.startswith(FILE_PREFIX)
