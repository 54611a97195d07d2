"""The duties of a `RequestObserver`."""

from abc import ABC, abstractmethod

from modegate.application.ports.request_observer import RequestObserver
from modegate.domain.answer.usage import Usage
from modegate.domain.request_record import RequestRecord


class RequestObserverContract(ABC):
    """Give `observer`."""

    @abstractmethod
    def observer(self) -> RequestObserver:
        """An observer."""

    def test_any_record_can_be_observed(self) -> None:
        observer = self.observer()
        for record in _records():
            record.end()
            observer.observe(record)

    def test_a_record_is_not_changed(self) -> None:
        observer = self.observer()
        for record, same in zip(_records(), _records(), strict=True):
            same.started = record.started
            observer.observe(record)
            assert record == same


def _records() -> tuple[RequestRecord, ...]:
    complete = RequestRecord(
        method="POST", route="/v1/chat/completions", mode="claude-code", model="m", status=200
    )
    complete.add_usage(Usage(prompt_tokens=10, completion_tokens=2))
    failed = RequestRecord(method="GET", status=500)
    failed.fail("internal_error")
    return RequestRecord(), complete, failed, RequestRecord(client_left=True, first_token=0.1)
