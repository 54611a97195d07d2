"""The dependency-injection container: the use cases on top of the adapters.

Override a provider to replace its object:

    async with live_container(settings) as container:
        container.session_store.override(MySessionStore())
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dependency_injector import providers

from modegate.adapters.prometheus.observer import PrometheusObserver
from modegate.application.answering.admission import Admission
from modegate.application.answering.answer_request import AnswerRequest
from modegate.application.answering.generate_answer import GenerateAnswer
from modegate.application.answering.prepare_turn import PrepareTurn
from modegate.application.answering.relay_call import RelayCall
from modegate.application.batches.advance import AdvanceBatch
from modegate.application.batches.execute_item import ExecuteItem
from modegate.application.batches.expire import ExpireBatches
from modegate.application.batches.last_load import LastLoad
from modegate.application.batches.manage_batches import ManageBatches
from modegate.application.batches.manage_files import ManageFiles
from modegate.application.batches.run_item import RunItem
from modegate.application.check_health import CheckHealth
from modegate.application.credentials.attempts import Attempts
from modegate.application.credentials.claude import ClaudeCredential
from modegate.application.credentials.list_upstreams import ListUpstreams
from modegate.application.credentials.manage import ManageCredentials
from modegate.application.credentials.pools import CredentialPools
from modegate.application.credentials.probe import ProbeCredential
from modegate.application.credentials.states import CredentialStates
from modegate.application.credentials.summary import CredentialSummary
from modegate.application.keys.manage import ManageKeys
from modegate.application.keys.registry import KeyRegistry
from modegate.application.list_models import ListModels
from modegate.application.relay_request import RelayRequest
from modegate.application.sessions.expire import ExpireSessions
from modegate.application.sessions.manage import ManageSessions
from modegate.application.sessions.registry import SessionRegistry
from modegate.application.usage.asking_for_usage import AskingForUsage
from modegate.application.usage.metering import Metering
from modegate.domain.routing.route import CLAUDE
from modegate.entrypoints.bootstrap.adapters import Adapters
from modegate.entrypoints.bootstrap.batch_runner import BatchRunner, BatchWork
from modegate.entrypoints.bootstrap.budget_container import BudgetContainer
from modegate.entrypoints.bootstrap.lifecycle import close_each
from modegate.entrypoints.bootstrap.usage_container import UsageContainer
from modegate.entrypoints.config import mapping
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.http.messages.errors import render_error


class Container(BudgetContainer):
    """Creates the use cases by constructor injection, each as a singleton."""

    credential_states = providers.Singleton(CredentialStates, Adapters.credential_store)
    credential_pools = providers.Singleton(
        CredentialPools, Adapters.configuration_source, credential_states, Adapters.clock
    )
    claude_credential = providers.Singleton(
        ClaudeCredential,
        credential_states,
        Adapters.claude_status,
        Adapters.clock,
        providers.Callable(mapping.claude_key_label, Adapters.settings),
    )
    credential_summary = providers.Singleton(
        CredentialSummary, pools=credential_pools, claude=claude_credential, clock=Adapters.clock
    )
    metrics = providers.Singleton(
        PrometheusObserver,
        Adapters.claude_status,
        credential_summary,
        Adapters.usage_ledger.provided.condition,
        BudgetContainer.reserve_budget.provided.balances,
        Adapters.worker_samples,
    )
    manage_credentials = providers.Singleton(
        ManageCredentials, pools=credential_pools, claude=claude_credential, clock=Adapters.clock
    )
    list_upstreams = providers.Singleton(
        ListUpstreams, pools=credential_pools, catalog=Adapters.model_catalog, clock=Adapters.clock
    )
    admission = providers.Singleton(
        Admission,
        configuration=Adapters.configuration_source,
        limiter=Adapters.admission_limiter,
        clock=Adapters.clock,
    )
    key_registry = providers.Singleton(
        KeyRegistry, Adapters.key_store, Adapters.memory_configuration
    )
    manage_keys = providers.Singleton(ManageKeys, registry=key_registry, clock=Adapters.clock)
    session_registry = providers.Singleton(
        SessionRegistry,
        store=Adapters.session_store,
        transcripts=Adapters.transcript_store,
        configuration=Adapters.configuration_source,
        clock=Adapters.clock,
        ids=Adapters.ids,
    )
    manage_sessions = providers.Singleton(
        ManageSessions, sessions=session_registry, transcripts=Adapters.transcript_store
    )
    expire_sessions = providers.Singleton(
        ExpireSessions,
        store=Adapters.session_store,
        transcripts=Adapters.transcript_store,
        configuration=Adapters.configuration_source,
        clock=Adapters.clock,
    )
    prepare_turn = providers.Singleton(
        PrepareTurn,
        sessions=session_registry,
        clock=Adapters.clock,
        ids=Adapters.ids,
        limiter=Adapters.rate_limiter,
    )
    attempts = providers.Singleton(
        Attempts,
        Adapters.relay_backend,
        credential_pools,
        providers.Callable(mapping.attempts_timeout, Adapters.settings),
    )
    asking_for_usage = providers.Singleton(AskingForUsage, attempts)
    metering = providers.Singleton(Metering, BudgetContainer.pricing)
    relay_request = providers.Singleton(RelayRequest, asking_for_usage, metering)
    generate_answer = providers.Singleton(
        GenerateAnswer,
        prepare=prepare_turn,
        backend=Adapters.answer_backend,
        sessions=session_registry,
        credential=claude_credential,
        metering=metering,
        budgets=BudgetContainer.reserve_budget,
    )
    answer_request = providers.Singleton(
        AnswerRequest,
        configuration=Adapters.configuration_source,
        admission=admission,
        relay=relay_request,
        generate=generate_answer,
        metering=metering,
        budgets=BudgetContainer.reserve_budget,
    )
    probe_credential = providers.Singleton(
        ProbeCredential,
        credentials=manage_credentials,
        catalog=Adapters.model_catalog,
        backend=Adapters.answer_backend,
        sessions=session_registry,
    )
    relay_call = providers.Singleton(
        RelayCall,
        configuration=Adapters.configuration_source,
        admission=admission,
        asking=asking_for_usage,
        metering=metering,
        budgets=BudgetContainer.reserve_budget,
    )
    list_models = providers.Singleton(
        ListModels,
        configuration=Adapters.configuration_source,
        lists=Adapters.model_lists,
        pools=credential_pools,
    )
    check_health = providers.Singleton(
        CheckHealth,
        answering=providers.Dict({CLAUDE: Adapters.claude_status}),
        storage=Adapters.storage_probe,
        configuration=Adapters.configuration_source,
        credentials=credential_summary.provided.check,
        ledger=Adapters.usage_ledger.provided.condition,
        store=Adapters.presence,
        store_failure_mode=providers.Callable(mapping.store_failure_mode, Adapters.settings),
    )
    batch_load = providers.Singleton(LastLoad)
    batch_observers = providers.List(Adapters.request_log, metrics)
    execute_item = providers.Singleton(
        ExecuteItem,
        answer_request=answer_request,
        relay_call=relay_call,
        sessions=manage_sessions,
        clock=Adapters.clock,
        observers=batch_observers,
        render_error=providers.Object(render_error),
    )
    run_item = providers.Singleton(
        RunItem,
        queue=Adapters.batch_queue,
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
        container.rate_limiter,
        container.admission_limiter,
        container.store,
        container.price_source,
        container.clock,
        container.ids,
    )
    await close_each(parts, container.closed())
