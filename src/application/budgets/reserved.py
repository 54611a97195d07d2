"""The context of a request within its reservation."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Generic, Protocol, TypeVar

from modegate.application.budgets.demand import Demand
from modegate.domain.budgets.account import Balance
from modegate.domain.budgets.charges import Allowance
from modegate.domain.configuration import Configuration
from modegate.domain.request_record import RequestRecord

T = TypeVar("T")
Context = AbstractAsyncContextManager[T]


class BudgetedRequest:
    """A request with budgets, and their balances as they are known last."""

    def __init__(
        self,
        allowances: Sequence[Allowance],
        configuration: Configuration,
        record: RequestRecord,
        demand: Callable[[], Demand],
    ) -> None:
        self.allowances = allowances
        self.configuration = configuration
        self.record = record
        self.demand = demand
        self.balances: Sequence[Balance] = ()


class Reservations(Protocol):
    """Makes and settles reservations."""

    async def reserve(self, request: BudgetedRequest) -> str:
        """Reserves the estimate of a request and returns the reservation's id."""
        ...

    async def settle(self, reservation: str, request: BudgetedRequest) -> None:
        """Settles a reservation with what the request used."""
        ...


class Reserved(Generic[T]):
    """The context of a request within its reservation."""

    def __init__(self, budgets: Reservations, inner: Context[T], request: BudgetedRequest) -> None:
        self._budgets = budgets
        self._inner = inner
        self._request = request

    async def __aenter__(self) -> T:
        self._reservation = await self._budgets.reserve(self._request)
        try:
            return await self._inner.__aenter__()
        except BaseException:
            await self._budgets.settle(self._reservation, self._request)
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        try:
            return await self._inner.__aexit__(kind, error, trace)
        finally:
            await self._budgets.settle(self._reservation, self._request)
