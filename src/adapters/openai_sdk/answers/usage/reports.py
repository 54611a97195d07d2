"""Reports the usage of requests whose answer was not observed to its end."""

from modegate.adapters.openai_sdk.answers.usage.content import ContentUsage
from modegate.adapters.openai_sdk.transport.response import Answer
from modegate.domain.answer.usage import Usage
from modegate.domain.errors import GatewayError
from modegate.domain.routing.operation import Spending
from modegate.domain.upstream_request import UpstreamRequest
from modegate.domain.usage.estimates import prompt_estimate


def report_content(request: UpstreamRequest, content: ContentUsage) -> None:
    """Reports what an answer said that was relayed unchanged; estimates only tokens of a text."""
    estimates = request.spending is Spending.TOKENS
    usage, model = content.total(request.body_size, estimates=estimates)
    if usage is not None:
        request.on_usage(usage, model)


def report_cut(request: UpstreamRequest, error: BaseException, answer: Answer | None) -> None:
    """Reports the estimated prompt of a request that ended with an error before its answer.

    The upstream has read the prompt if its answer began. If the client left, it may have.
    """
    is_read = answer is not None or not isinstance(error, GatewayError)
    if is_read and request.spending is Spending.TOKENS and request.body_size:
        request.on_usage(Usage(prompt_estimate(request.body_size), 0, estimated=True), None)
