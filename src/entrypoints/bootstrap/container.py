"""The dependency-injection container: the use cases on top of the adapters.

Override a provider to replace its object:

    async with live_container(settings) as container:
        container.session_store.override(MySessionStore())
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dependency_injector import providers

from modegate.application.batches.advance import AdvanceBatch
from modegate.application.batches.execute_item import ExecuteItem
from modegate.application.batches.expire import ExpireBatches
from modegate.application.batches.last_load import LastLoad
from modegate.application.batches.manage_batches import ManageBatches
from modegate.application.batches.manage_files import ManageFiles
from modegate.application.batches.run_item import RunItem
from modegate.entrypoints.bootstrap.adapters import Adapters
from modegate.entrypoints.bootstrap.batch_runner import BatchRunner, BatchWork
from modegate.entrypoints.bootstrap.lifecycle import close_each
from modegate.entrypoints.bootstrap.request_container import RequestContainer
from modegate.entrypoints.bootstrap.usage_container import UsageContainer
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.http.messages.error_forms import render_error_at


class Container(RequestContainer):
    """Creates the use cases of batches by constructor injection, each as a singleton."""

    batch_load = providers.Singleton(LastLoad)
    batch_observers = providers.List(Adapters.request_log, RequestContainer.metrics)
    execute_item = providers.Singleton(
        ExecuteItem,
        answer_request=RequestContainer.answer_request,
        relay_call=RequestContainer.relay_call,
        sessions=RequestContainer.manage_sessions,
        clock=Adapters.clock,
        observers=batch_observers,
        render_error=providers.Object(render_error_at),
    )
    run_item = providers.Singleton(
        RunItem,
        execute_item=execute_item,
        configuration=Adapters.configuration_source,
        clock=Adapters.clock,
        row_of=UsageContainer.record_usage.provided.row,
        add_row=Adapters.usage_ledger.provided.add,
    )
    advance_batch = providers.Singleton(
        AdvanceBatch,
        queue=Adapters.batch_queue,
        files=Adapters.file_store,
        configuration=Adapters.configuration_source,
        clock=Adapters.clock,
    )
    batch_work = providers.Singleton(
        BatchWork,
        queue=Adapters.batch_queue,
        run_item=run_item,
        advance=advance_batch,
        ledger=Adapters.usage_ledger,
        configuration=Adapters.configuration_source,
    )
    batch_runner = providers.Singleton(BatchRunner, batch_work, batch_load)
    manage_files = providers.Singleton(
        ManageFiles,
        files=Adapters.file_store,
        configuration=Adapters.configuration_source,
        clock=Adapters.clock,
        ids=Adapters.ids,
    )
    manage_batches = providers.Singleton(
        ManageBatches,
        queue=Adapters.batch_queue,
        files=manage_files,
        clock=Adapters.clock,
        ids=Adapters.ids,
        on_change=batch_runner.provided.wake,
    )
    expire_batches = providers.Singleton(
        ExpireBatches,
        queue=Adapters.batch_queue,
        files=Adapters.file_store,
        configuration=Adapters.configuration_source,
        clock=Adapters.clock,
    )
    closed = providers.Singleton[list[object]](list)


@asynccontextmanager
async def live_container(settings: Settings) -> AsyncIterator[Container]:
    """Opens a container for use without a server; leaving the context closes its objects."""
    container = Container(settings=settings)
    try:
        yield container
    finally:
        await close(container)


async def close(container: Container) -> None:
    """Closes all parts that have an `aclose`, overrides included; a failure does not stop the rest.

    Each object is closed once, even if it has several names. Idempotent. A closed container must
    not be used again.
    """
    parts = (
        container.answer_backend,
        container.claude_cli,
        container.claude_status,
        container.transcript_store,
        container.relay_backend,
        container.openai_sdk,
        container.model_lists,
        container.model_catalog,
        container.credential_states,
        container.credential_store,
        container.key_store,
        container.batch_queue,
        container.file_store,
        container.budget_ledger,
        container.usage_ledger,
        container.session_store,
        container.response_store,
        container.rate_limiter,
        container.admission_limiter,
        container.store,
        container.price_source,
        container.clock,
        container.ids,
    )
    await close_each(parts, container.closed())
