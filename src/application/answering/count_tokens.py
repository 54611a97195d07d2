"""The use case that counts the tokens of a request, without answering it."""

from dataclasses import dataclass

from modegate.application.answering.admission import Admission, record_admission
from modegate.application.answering.key_checks import check_turn_mode, check_turn_model
from modegate.application.budgets.demand import text_bytes
from modegate.application.ports.configuration_source import ConfigurationSource
from modegate.dialects.messages.generation import parse_counted
from modegate.domain.inbound_request import InboundRequest
from modegate.domain.usage.estimates import prompt_estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class CountTokens:
    """Estimates the tokens of a request for a message: the CLI cannot count them."""

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
                check_turn_mode(rules, dialect, decision.mode)
            body = await request.read()
            if decision.by_default:
                decision = modes.decide(decision, dialect, rules.mode, body.params.get("model"))
                record.mode = decision.mode
                check_turn_mode(rules, dialect, decision.mode)
            asked = parse_counted(body.params)
            record.model = asked.model
            default = configuration.routes.models.default
            check_turn_model(rules, asked.model, decision.mode, default)
            configuration.routes.models.resolve(asked.model)
            return prompt_estimate(text_bytes(body.content))
        finally:
            self.admission.release(admitted)
