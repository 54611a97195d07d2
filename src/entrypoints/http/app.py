"""The ASGI application."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import falcon
import falcon.asgi
from falcon.routing import CompiledRouter

from modegate.domain.errors import GatewayError
from modegate.entrypoints.http.middleware.authentication import Authenticator
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
from modegate.entrypoints.http.options import HttpOptions, LiveHttpOptions
from modegate.entrypoints.http.routes import routes_of
from modegate.entrypoints.http.use_cases import UseCases

Hook = Callable[[], Awaitable[None]]


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
    live: LiveHttpOptions,
    drain: Draining,
    *,
    on_start: Sequence[Hook] = (),
    on_end: Sequence[Hook] = (),
) -> RequestLifecycle:
    """Returns the application for any ASGI server that supports the lifespan protocol.

    Origins of CORS and paths are those at the start.
    """
    authenticator = Authenticator(use_cases.answer_request.admission, live.addresses)
    router = CompiledRouter()
    app = falcon.asgi.App(
        router=router,
        middleware=[
            RequestChecks(router, drain),
            Lifespan(on_start, on_end),
            *_cors(live.current),
        ],
    )
    app.add_error_handler(GatewayError, on_gateway_error)
    app.add_error_handler(falcon.HTTPError, on_framework_error)
    app.add_error_handler(Exception, on_bug)
    for template, resource in routes_of(use_cases, live, authenticator, drain).items():
        app.add_route(template, resource)
    common = CommonHeaders(authenticator.quota, lambda: drain.is_draining)
    return RequestLifecycle(app, drain, common, use_cases.observers, use_cases.on_request)


def _cors(options: HttpOptions) -> list[Any]:
    return [Cors(options.cors_origins)] if options.cors_origins else []
