"""The checks of the operations that are relayed, but chat completions."""

from modegate.application.answering.key_checks import check_mode, check_model
from modegate.application.upstream_checks import check_upstream
from modegate.dialects.chat.request import model_to_relay
from modegate.domain.access.client import Client
from modegate.domain.access.key_rules import KeyRules
from modegate.domain.configuration import Configuration
from modegate.domain.dialect_name import DialectName
from modegate.domain.errors.catalogue import routing as errors
from modegate.domain.inbound_call import InboundCall, Upload
from modegate.domain.inbound_request import ChatBody
from modegate.domain.routing.mode import Mode, ModeDefaults
from modegate.domain.routing.route import RelayRoute

# Fields of a body that continue what the upstream keeps.
KEPT_CONVERSATION = ("previous_response_id", "conversation")
NO_DEFAULTS = ModeDefaults()


def check_call(call: InboundCall, client: Client, configuration: Configuration) -> None:
    """Rejects what no body could make possible, before it is read."""
    check_mode(client.rules, call.decision.mode)
    if call.decision.mode is not Mode.PASSTHROUGH:
        raise errors.no_such_endpoint()
    if call.operation.keeps_state and not _may_use_state(call, configuration):
        raise errors.shared_key()


def check_body(
    call: InboundCall, body: ChatBody | Upload, client: Client, configuration: Configuration
) -> None:
    """Checks the model that the body names; operations on kept state need not name one."""
    model = body.model if isinstance(body, Upload) else model_to_relay(body.params)
    call.record.model = model
    if model is not None or not call.operation.keeps_state:
        check_model(client.rules, model)
    if call.decision.by_default:
        _check_default(call, client.rules, configuration)


def check_route(
    call: InboundCall, body: ChatBody | Upload, route: RelayRoute, configuration: Configuration
) -> None:
    """Checks that the upstream has what the operation needs, and shares no kept conversation."""
    params = body.params if isinstance(body, ChatBody) and call.operation.is_conversation else {}
    check_upstream(route.upstream, call.operation.capability, params, call.operation.kind)
    if _may_use_state(call, configuration):
        return
    for name in KEPT_CONVERSATION:
        if params.get(name) is not None:
            raise errors.shared_key(name)


def _may_use_state(call: InboundCall, configuration: Configuration) -> bool:
    if configuration.shares_state:
        return True
    return call.upstream_key is not None and configuration.routes.clients_may_bring_keys


def _check_default(call: InboundCall, rules: KeyRules, configuration: Configuration) -> None:
    """Rejects what goes to Claude Code by its model's name, or by a default."""
    modes, key_mode = configuration.modes, rules.mode
    if not call.operation.is_conversation:
        modes, key_mode = NO_DEFAULTS, None
    decision = modes.decide(call.decision, DialectName.RESPONSES, key_mode, call.record.model)
    if decision.mode is not Mode.PASSTHROUGH:
        call.record.mode = decision.mode
        raise errors.no_such_endpoint()
