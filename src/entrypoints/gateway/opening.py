"""Opens a container with the background work that a gateway without a server needs."""

import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial

from modegate.application.batches.execute_item import ExecuteItem
from modegate.domain.batches.item import BatchItem, ItemResult
from modegate.domain.errors import BackendCrashedError
from modegate.domain.routing.mode import Mode
from modegate.entrypoints.bootstrap.container import Container
from modegate.entrypoints.bootstrap.credential_sync import CredentialSync
from modegate.entrypoints.bootstrap.session_cleaner import SessionCleaner
from modegate.entrypoints.config import mapping
from modegate.entrypoints.gateway.batches import Execute
from modegate.entrypoints.gateway.wording import ARGUMENTS
from modegate.entrypoints.http.messages.error_forms import error_form_of, render_error_at
from modegate.entrypoints.http.messages.errors import internal_error

INTERNAL_ERROR = 500

log = logging.getLogger(__name__)


@asynccontextmanager
async def running(opening: AbstractAsyncContextManager[Container]) -> AsyncIterator[Container]:
    """Opens a container, shares the states of credentials, and deletes expired sessions."""
    async with AsyncExitStack() as stack:
        container = await stack.enter_async_context(opening)
        credentials = CredentialSync(container.credential_states())
        stack.push_async_callback(credentials.aclose)
        await credentials.start()
        interval = mapping.session_cleanup_interval(container.settings())
        cleaner = SessionCleaner(container.expire_sessions(), interval)
        stack.push_async_callback(cleaner.aclose)
        await cleaner.start()
        yield container


def item_execution(container: Container, mode: Mode) -> Execute:
    """Returns what answers one item of a batch; `mode` is that of items without one.

    A defect that one item meets is logged and becomes its result, so that it does not end the batch.
    """
    execute_item = ExecuteItem(
        answer_request=container.answer_request(),
        relay_call=container.relay_call(),
        sessions=container.manage_sessions(),
        clock=container.clock(),
        observers=(container.record_usage(),),
        render_error=partial(render_error_at, wording=ARGUMENTS),
    )

    async def execute(item: BatchItem) -> ItemResult:
        try:
            return await execute_item.execute(item, mode)
        except Exception:
            log.exception("batch item failed outside all error handlers")
            return ItemResult(
                custom_id=item.custom_id,
                status=INTERNAL_ERROR,
                body=internal_error(error_form_of(item.url, (), None)),
                request_id="",
                error=BackendCrashedError.code,
            )

    return execute
