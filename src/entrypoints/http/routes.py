"""The resource of each path."""

from collections.abc import Mapping
from dataclasses import replace

from modegate.domain.dialect_name import DialectName
from modegate.entrypoints.http.admin.access import AdminAccess
from modegate.entrypoints.http.admin.credentials import (
    CredentialProbe,
    Credentials,
    OneCredential,
)
from modegate.entrypoints.http.admin.keys import KeyRotation, Keys, OneKey
from modegate.entrypoints.http.admin.operation import Config, Drain, Reload
from modegate.entrypoints.http.admin.upstreams import Upstreams
from modegate.entrypoints.http.admin.usage import LastRequests, Usage
from modegate.entrypoints.http.middleware.authentication import Authenticator
from modegate.entrypoints.http.middleware.draining import Draining
from modegate.entrypoints.http.openapi.inputs import Facts
from modegate.entrypoints.http.openapi.resource import Description, Docs, OpenApi
from modegate.entrypoints.http.options import HttpOptions, LiveHttpOptions
from modegate.entrypoints.http.resources.batches.routes import batch_routes
from modegate.entrypoints.http.resources.chat_completions import ChatCompletions
from modegate.entrypoints.http.resources.dialect_requests import DialectRequests
from modegate.entrypoints.http.resources.health import Health, Live
from modegate.entrypoints.http.resources.messages import Messages, MessageTokens
from modegate.entrypoints.http.resources.metrics import MetricsPage
from modegate.entrypoints.http.resources.models import Model, Models
from modegate.entrypoints.http.resources.relayed import relayed_routes
from modegate.entrypoints.http.resources.responses import OneResponse, Responses
from modegate.entrypoints.http.resources.sessions import OneSession, Sessions
from modegate.entrypoints.http.resources.storage_watch import StorageWatch
from modegate.entrypoints.http.resources.usage import OwnUsage
from modegate.entrypoints.http.use_cases import UseCases


def routes_of(
    use_cases: UseCases, live: LiveHttpOptions, authenticator: Authenticator, drain: Draining
) -> Mapping[str, object]:
    """Returns the resource of each path template."""
    options = live.current
    description = Description(lambda: _facts(use_cases, live.current))
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
        max_body=lambda: live.current.max_body,
        max_media=lambda: live.current.max_media,
        keep_alive=lambda: live.current.keep_alive,
    )
    responses = DialectRequests(
        dialect=DialectName.RESPONSES,
        authenticator=authenticator,
        answer=use_cases.answer_request,
        max_body=lambda: live.current.relaying.max_json,
        keep_alive=lambda: live.current.keep_alive,
    )
    messages = replace(responses, dialect=DialectName.MESSAGES)
    relayed = relayed_routes(use_cases.relay_call, authenticator, lambda: live.current.relaying)
    return {
        # The first one, because Falcon compares a path with one route after another.
        "/v1/chat/completions": chat,
        **relayed,
        **batch_routes(use_cases.batches, authenticator, lambda: live.current.relaying, relayed),
        "/v1/responses": Responses(responses, relayed["/v1/responses"]),
        "/v1/responses/{response_id}": OneResponse(
            use_cases.kept_responses, authenticator, relayed["/v1/responses/{response_id}"]
        ),
        "/v1/messages": Messages(messages, relayed["/v1/messages"]),
        "/v1/messages/count_tokens": MessageTokens(
            messages, use_cases.count_tokens, relayed["/v1/messages/count_tokens"]
        ),
        "/v1/models": Models(use_cases.list_models, authenticator),
        "/v1/models/{model:path}": Model(use_cases.list_models, authenticator),
        "/v1/sessions": Sessions(use_cases.manage_sessions, authenticator),
        "/v1/sessions/{session_id}": OneSession(use_cases.manage_sessions, authenticator),
        "/v1/usage": OwnUsage(use_cases.query_usage, authenticator),
        "/health": health,
        "/live": Live(),
        "/metrics": MetricsPage(
            use_cases.metrics, use_cases.sessions, lambda: live.current.metrics_token
        ),
        "/openapi.json": OpenApi(description),
        "/docs": Docs(description),
        **_admin_routes(use_cases, live, authenticator),
    }


def _admin_routes(
    use_cases: UseCases, live: LiveHttpOptions, authenticator: Authenticator
) -> Mapping[str, object]:
    """Returns the resources of the admin API; without a key, they are like unknown paths."""
    admin = use_cases.admin
    limiter = use_cases.answer_request.admission.limiter
    access = AdminAccess(lambda: live.current.admin, limiter, authenticator.addresses)
    one = "/admin/credentials/{credential_id}"
    return {
        "/admin/credentials": Credentials(admin.credentials, access),
        one: OneCredential(admin.credentials, access),
        f"{one}/probe": CredentialProbe(admin.probes, access),
        "/admin/keys": Keys(admin.keys, access),
        "/admin/keys/{key_id}": OneKey(admin.keys, access),
        "/admin/keys/{key_id}/rotate": KeyRotation(admin.keys, access),
        "/admin/upstreams": Upstreams(admin.upstreams, access),
        "/admin/usage": Usage(use_cases.query_usage, access),
        "/admin/requests": LastRequests(use_cases.query_usage, access),
        "/admin/reload": Reload(admin.control, access),
        "/admin/config": Config(admin.control, access),
        "/admin/drain": Drain(admin.control, access),
    }


def _facts(use_cases: UseCases, options: HttpOptions) -> Facts:
    configuration = use_cases.answer_request.configuration.current()
    return Facts(
        version=options.version,
        models=configuration.routes.models,
        rules=configuration.parameters.rules,
        max_body=options.max_body,
        max_json=options.relaying.max_json,
        wants_key=not configuration.keys.is_open,
        wants_metrics_token=options.metrics_token is not None,
        has_admin=bool(options.admin.keys),
    )
