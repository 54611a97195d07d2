"""Opens a container with the background work that a gateway without a server needs."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial

from modegate.application.batches.execute_item import ExecuteItem
from modegate.entrypoints.bootstrap.container import Container
from modegate.entrypoints.bootstrap.credential_sync import CredentialSync
from modegate.entrypoints.bootstrap.session_cleaner import SessionCleaner
from modegate.entrypoints.config import mapping
from modegate.entrypoints.gateway.wording import ARGUMENTS
from modegate.entrypoints.http.messages.errors import render_error


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


def item_execution(container: Container) -> ExecuteItem:
    """Returns the use case that answers one item of a batch."""
    return ExecuteItem(
        answer_request=container.answer_request(),
        relay_call=container.relay_call(),
        sessions=container.manage_sessions(),
        clock=container.clock(),
        observers=(container.record_usage(),),
        render_error=partial(render_error, wording=ARGUMENTS),
    )
