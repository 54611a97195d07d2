"""The use cases of requests, credentials, keys and sessions, as a part of the container."""

from dependency_injector import providers

from modegate.adapters.cryptography.sealer import AesGcmSealer
from modegate.adapters.prometheus.observer import PrometheusObserver
from modegate.application.answering.admission import Admission
from modegate.application.answering.answer_request import AnswerRequest
from modegate.application.answering.count_tokens import CountTokens
from modegate.application.answering.fetch_images import FetchImages
from modegate.application.answering.generate_answer import GenerateAnswer
from modegate.application.answering.kept_responses import KeptResponses
from modegate.application.answering.missing_responses import MissingResponses
from modegate.application.answering.prepare_turn import PrepareTurn
from modegate.application.answering.relay_call import RelayCall
from modegate.application.answering.sealed_thoughts import SealedThoughts
from modegate.application.answering.translate_answer import TranslateAnswer
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
from modegate.application.sessions.end_moved import EndMovedTurns
from modegate.application.sessions.expire import ExpireSessions
from modegate.application.sessions.manage import ManageSessions
from modegate.application.sessions.open_calls import OpenCalls
from modegate.application.sessions.registry import SessionRegistry
from modegate.application.sessions.results_session import ResultsSession
from modegate.application.sessions.store_late import StoreLateTurns
from modegate.application.sessions.unstored_marks import UnstoredMarks
from modegate.application.usage.asking_for_usage import AskingForUsage
from modegate.application.usage.metering import Metering
from modegate.domain.routing.route import CLAUDE
from modegate.entrypoints.bootstrap.adapters import Adapters
from modegate.entrypoints.bootstrap.budget_container import BudgetContainer
from modegate.entrypoints.config import mapping


class RequestContainer(BudgetContainer):
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
    sealer = providers.Singleton(AesGcmSealer, key_registry.provided.digest_key)
    manage_keys = providers.Singleton(ManageKeys, registry=key_registry, clock=Adapters.clock)
    unstored_marks = providers.Selector(
        Adapters.store_kind,
        local=providers.Object(None),
        redis=providers.Singleton(
            UnstoredMarks, Adapters.late_transcripts, Adapters.presence, Adapters.clock
        ),
    )
    session_registry = providers.Singleton(
        SessionRegistry,
        store=Adapters.session_store,
        transcripts=Adapters.transcript_store,
        configuration=Adapters.configuration_source,
        clock=Adapters.clock,
        ids=Adapters.ids,
        marks=unstored_marks,
    )
    manage_sessions = providers.Singleton(
        ManageSessions,
        sessions=session_registry,
        transcripts=Adapters.transcript_store,
        calls=Adapters.awaited_calls,
    )
    results_session = providers.Singleton(
        ResultsSession,
        sessions=session_registry,
        calls=Adapters.awaited_calls,
        locations=Adapters.call_locations,
    )
    open_calls = providers.Singleton(
        OpenCalls, Adapters.call_locations, Adapters.configuration_source
    )
    end_moved_turns = providers.Singleton(
        EndMovedTurns, Adapters.session_store, Adapters.awaited_calls
    )
    store_late_turns = providers.Singleton(
        StoreLateTurns, Adapters.session_store, Adapters.late_transcripts
    )
    expire_sessions = providers.Singleton(
        ExpireSessions,
        store=Adapters.session_store,
        transcripts=Adapters.transcript_store,
        configuration=Adapters.configuration_source,
        clock=Adapters.clock,
    )
    kept_responses = providers.Singleton(KeptResponses, Adapters.response_store)
    prepare_turn = providers.Singleton(
        PrepareTurn,
        sessions=session_registry,
        clock=Adapters.clock,
        ids=Adapters.ids,
        limiter=Adapters.rate_limiter,
        responses=kept_responses,
        fetch_images=providers.Singleton(FetchImages, Adapters.media_fetcher),
        results=results_session,
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
        calls=open_calls,
    )
    translate_answer = providers.Singleton(
        TranslateAnswer,
        asking=asking_for_usage,
        metering=metering,
        budgets=BudgetContainer.reserve_budget,
        responses=kept_responses,
        thoughts=providers.Singleton(SealedThoughts, sealer),
        clock=Adapters.clock,
        ids=Adapters.ids,
    )
    missing_responses = providers.Singleton(
        MissingResponses, Adapters.clock, providers.Callable(mapping.models_ttl, Adapters.settings)
    )
    answer_request = providers.Singleton(
        AnswerRequest,
        configuration=Adapters.configuration_source,
        admission=admission,
        relay=relay_request,
        translate=translate_answer,
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
    count_tokens = providers.Singleton(
        CountTokens, configuration=Adapters.configuration_source, admission=admission
    )
    relay_call = providers.Singleton(
        RelayCall,
        configuration=Adapters.configuration_source,
        admission=admission,
        asking=asking_for_usage,
        metering=metering,
        budgets=BudgetContainer.reserve_budget,
        translate=translate_answer,
        missing=missing_responses,
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
        transcripts=Adapters.late_transcripts.archive_state,
        store=Adapters.presence,
        store_failure_mode=providers.Callable(mapping.store_failure_mode, Adapters.settings),
    )
