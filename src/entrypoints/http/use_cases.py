"""The use cases that the HTTP interface needs."""

from collections.abc import Callable, Mapping, Sequence

from modegate.application.answering.answer_request import AnswerRequest
from modegate.application.answering.count_tokens import CountTokens
from modegate.application.answering.kept_responses import KeptResponses
from modegate.application.answering.relay_call import RelayCall
from modegate.application.check_health import CheckHealth
from modegate.application.credentials.list_upstreams import ListUpstreams
from modegate.application.credentials.manage import ManageCredentials
from modegate.application.keys.manage import ManageKeys
from modegate.application.list_models import ListModels
from modegate.application.ports.request_observer import RequestObserver
from modegate.application.ports.session_store import SessionStore
from modegate.application.sessions.manage import ManageSessions
from modegate.application.usage.query import QueryUsage
from modegate.domain.request_record import RequestRecord
from modegate.entrypoints.http.admin.operation import GatewayControl
from modegate.entrypoints.http.admin.probes import SharedProbes
from modegate.entrypoints.http.resources.batches.routes import BatchUseCases
from modegate.entrypoints.http.resources.metrics import MetricsExposition
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminUseCases:
    """The use cases of the admin API; `probes` are shared by its requests.

    `control` reloads and drains the gateway.
    """

    credentials: ManageCredentials
    keys: ManageKeys
    upstreams: ListUpstreams
    probes: SharedProbes
    control: GatewayControl


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCases:
    """The use cases and ports of the interface, and the observers of its requests.

    `on_request` is called with the record and the headers of each request that begins.
    """

    answer_request: AnswerRequest
    count_tokens: CountTokens
    kept_responses: KeptResponses
    relay_call: RelayCall
    manage_sessions: ManageSessions
    list_models: ListModels
    check_health: CheckHealth
    query_usage: QueryUsage
    batches: BatchUseCases
    sessions: SessionStore
    metrics: MetricsExposition
    observers: Sequence[RequestObserver]
    admin: AdminUseCases
    on_request: Callable[[RequestRecord, Mapping[bytes, bytes]], None] | None = None
