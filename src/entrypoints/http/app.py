"""The ASGI application."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import falcon
import falcon.asgi
from falcon.routing import CompiledRouter

from modegate.application.answering.answer_request import AnswerRequest
from modegate.application.answering.relay_call import RelayCall
from modegate.application.check_health import CheckHealth
from modegate.application.credentials.list_upstreams import ListUpstreams
from modegate.application.credentials.manage import ManageCredentials
from modegate.application.list_models import ListModels
from modegate.application.ports.request_observer import RequestObserver
from modegate.application.ports.session_store import SessionStore
from modegate.application.sessions.manage import ManageSessions
from modegate.domain.errors import GatewayError
from modegate.entrypoints.http.admin.access import AdminAccess
from modegate.entrypoints.http.admin.credentials import (
    CredentialProbe,
    Credentials,
    OneCredential,
)
from modegate.entrypoints.http.admin.options import AdminOptions
from modegate.entrypoints.http.admin.probes import SharedProbes
from modegate.entrypoints.http.admin.upstreams import Upstreams
from modegate.entrypoints.http.messages.client_address import parse_network
from modegate.entrypoints.http.messages.forwarded import ForwardedHeader
from modegate.entrypoints.http.middleware.authentication import Authenticator
from modegate.entrypoints.http.middleware.client_addresses import ClientAddresses
from modegate.entrypoints.http.middleware.draining import Draining
from modegate.entrypoints.http.middleware.error_handlers import (
    on_bug,
    on_framework_error,
    on_gateway_error,
)
from modegate.entrypoints.http.middleware.request_checks import RequestChecks
from modegate.entrypoints.http.middleware.request_lifecycle import RequestLifecycle
from modegate.entrypoints.http.middleware.response_headers import CommonHeaders
from modegate.entrypoints.http.middleware.route import Cors
from modegate.entrypoints.http.openapi.inputs import Facts
from modegate.entrypoints.http.openapi.resource import Description, Docs, OpenApi
from modegate.entrypoints.http.resources.chat_completions import ChatCompletions
from modegate.entrypoints.http.resources.health import Health, Live
from modegate.entrypoints.http.resources.metrics import MetricsExposition, MetricsPage
from modegate.entrypoints.http.resources.models import Model, Models
from modegate.entrypoints.http.resources.relayed import RelayOptions, relayed_routes
from modegate.entrypoints.http.resources.sessions import OneSession, Sessions
from modegate.entrypoints.http.resources.storage_watch import StorageWatch

Hook = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """Options of the HTTP interface; sizes in bytes, times in seconds."""

    version: str
    max_body: int = 1024 * 1024
    keep_alive: float = 15.0
    cors_origins: Sequence[str] = ()
    trusted_proxies: Sequence[str] = ()
    forwarded_header: str = ForwardedHeader.AUTO
    offline: bool = False
    relaying: RelayOptions = field(default_factory=RelayOptions)
    metrics_token: str | None = field(default=None, repr=False)
    admin: AdminOptions = field(default_factory=AdminOptions)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminUseCases:
    """The use cases of the admin API; `probes` are shared by its requests."""

    credentials: ManageCredentials
    upstreams: ListUpstreams
    probes: SharedProbes


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCases:
    """The use cases and ports of the interface, and the observers of its requests."""

    answer_request: AnswerRequest
    relay_call: RelayCall
    manage_sessions: ManageSessions
    list_models: ListModels
    check_health: CheckHealth
    sessions: SessionStore
    metrics: MetricsExposition
    observers: Sequence[RequestObserver]
    admin: AdminUseCases


class Lifespan:
    """Runs hooks at start-up and shutdown of the server."""

    def __init__(self, on_start: Sequence[Hook], on_end: Sequence[Hook]) -> None:
        self._on_start = on_start
        self._on_end = on_end

    async def process_startup(self, scope: object, event: object) -> None:  # noqa: ARG002
        """Runs the start hooks before the first request."""
        for hook in self._on_start:
            await hook()

    async def process_shutdown(self, scope: object, event: object) -> None:  # noqa: ARG002
        """Runs the end hooks after the last request."""
        for hook in self._on_end:
            await hook()


def create_app(
    use_cases: UseCases,
    options: HttpOptions,
    *,
    on_start: Sequence[Hook] = (),
    on_end: Sequence[Hook] = (),
) -> RequestLifecycle:
    """Returns the application for any ASGI server that supports the lifespan protocol."""
    drain = Draining()
    proxies = tuple(map(parse_network, options.trusted_proxies))
    addresses = ClientAddresses(proxies, ForwardedHeader(options.forwarded_header))
    authenticator = Authenticator(use_cases.answer_request.admission, addresses)
    router = CompiledRouter()
    app = falcon.asgi.App(
        router=router,
        middleware=[
            RequestChecks(router, drain),
            Lifespan(on_start, on_end),
            *_cors(options),
        ],
    )
    app.add_error_handler(GatewayError, on_gateway_error)
    app.add_error_handler(falcon.HTTPError, on_framework_error)
    app.add_error_handler(Exception, on_bug)
    for template, resource in _routes(use_cases, options, authenticator, drain).items():
        app.add_route(template, resource)
    return RequestLifecycle(app, drain, CommonHeaders(authenticator.quota), use_cases.observers)


def _routes(
    use_cases: UseCases, options: HttpOptions, authenticator: Authenticator, drain: Draining
) -> Mapping[str, object]:
    """Returns the resource of each path template."""
    description = Description(_facts(use_cases, options))
    health = Health(
        use_cases.check_health,
        lambda: drain.is_draining,
        options.version,
        StorageWatch(use_cases.check_health.storage),
        options.offline,
    )
    chat = ChatCompletions(
        authenticator=authenticator,
        answer=use_cases.answer_request,
        max_body=options.max_body,
        keep_alive=options.keep_alive,
    )
    relayed = relayed_routes(use_cases.relay_call, authenticator, options.relaying)
    return {
        **relayed,
        "/v1/chat/completions": chat,
        "/v1/models": Models(use_cases.list_models, authenticator),
        "/v1/models/{model:path}": Model(use_cases.list_models, authenticator),
        "/v1/sessions": Sessions(use_cases.manage_sessions, authenticator),
        "/v1/sessions/{session_id}": OneSession(use_cases.manage_sessions, authenticator),
        "/health": health,
        "/live": Live(),
        "/metrics": MetricsPage(use_cases.metrics, use_cases.sessions, options.metrics_token),
        "/openapi.json": OpenApi(description),
        "/docs": Docs(description),
        **_admin_routes(use_cases, options, authenticator),
    }


def _admin_routes(
    use_cases: UseCases, options: HttpOptions, authenticator: Authenticator
) -> Mapping[str, object]:
    """Returns the resources of the admin API; none without a key, as for any unknown path."""
    if not options.admin.keys:
        return {}
    admin = use_cases.admin
    limiter = use_cases.answer_request.admission.limiter
    access = AdminAccess(options.admin, limiter, authenticator.addresses)
    one = "/admin/credentials/{credential_id}"
    return {
        "/admin/credentials": Credentials(admin.credentials, access),
        one: OneCredential(admin.credentials, access),
        f"{one}/probe": CredentialProbe(admin.probes, access),
        "/admin/upstreams": Upstreams(admin.upstreams, access),
    }


def _facts(use_cases: UseCases, options: HttpOptions) -> Facts:
    configuration = use_cases.answer_request.configuration.current()
    return Facts(
        version=options.version,
        models=configuration.routes.models,
        rules=configuration.parameters.rules,
        max_body=options.max_body,
        wants_key=bool(len(configuration.keys)),
        wants_metrics_token=options.metrics_token is not None,
        has_admin=bool(options.admin.keys),
    )


def _cors(options: HttpOptions) -> list[Any]:
    return [Cors(options.cors_origins)] if options.cors_origins else []
