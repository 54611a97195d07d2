"""The use cases of budgets, as a part of the container."""

from dependency_injector import providers

from modegate.application.budgets.reserve import ReserveBudget
from modegate.application.usage.pricing import Pricing
from modegate.entrypoints.bootstrap.adapters import Adapters
from modegate.entrypoints.bootstrap.usage_container import UsageContainer


class BudgetContainer(UsageContainer):
    """Creates the use cases of budgets by constructor injection, each as a singleton."""

    pricing = providers.Singleton(Pricing, Adapters.price_source, Adapters.clock)
    reserve_budget = providers.Singleton(
        ReserveBudget, Adapters.budget_ledger, pricing, Adapters.clock
    )
