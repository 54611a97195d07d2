"""The use case that counts the tokens of a request, without answering it."""

from modegate.application.answering.admission import Admission, record_admission
from modegate.application.answering.key_checks import check_turn_mode, check_turn_model
from modegate.application.budgets.demand import text_bytes
from modegate.application.ports.configuration_source import ConfigurationSource
from modegate.dialects.messages.generation import parse_counted
from modegate.domain.inbound_request import InboundRequest
from modegate.domain.routing.mode import Mode, ModeDecision
from modegate.domain.routing.route import Routes
from modegate.domain.usage.estimates import prompt_estimate
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CountTokens:
    """Estimates the tokens of a request for a message: neither the CLI nor chat can count them."""

    configuration: ConfigurationSource
    admission: Admission

    async def execute(self, request: InboundRequest) -> int:
        """Returns the estimated tokens of the messages, the system prompt and the tools.

        Raises:
            GatewayError: the request was rejected, as one for a message would be.
        """
        configuration = self.configuration.current()
        record, modes, dialect = request.record, configuration.modes, request.dialect
        record.mode = modes.decide(request.decision, dialect).mode
        admitted = await self.admission.acquire(request.entry, configuration)
        try:
            record_admission(record, admitted)
            rules = admitted.client.rules
            decision = request.decision
            if not decision.by_default:
                check_turn_mode(rules, decision.mode)
            body = await request.read()
            if decision.by_default:
                decision = modes.decide(decision, dialect, rules.mode, body.params.get("model"))
                record.mode = decision.mode
                check_turn_mode(rules, decision.mode)
            asked = parse_counted(body.params)
            record.model = asked.model
            default = configuration.routes.models.default
            check_turn_model(rules, asked.model, decision.mode, default)
            _check_route(request, decision, asked.model, configuration.routes)
            return prompt_estimate(text_bytes(body.content))
        finally:
            self.admission.release(admitted)


def _check_route(
    request: InboundRequest, decision: ModeDecision, model: str, routes: Routes
) -> None:
    """Checks that a request for a message would have a route."""
    if decision.mode is Mode.CLAUDE_CODE:
        routes.models.resolve(model)
    else:
        routes.resolve(decision, request.upstream_key, model)
