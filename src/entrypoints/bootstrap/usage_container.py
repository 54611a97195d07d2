"""The use cases of the usage ledger, as a part of the container."""

import random

from dependency_injector import providers

from modegate.application.usage.expire import ExpireUsage
from modegate.application.usage.query import QueryUsage
from modegate.application.usage.record import RecordUsage
from modegate.application.usage.transfer import ExportUsage, ImportUsage
from modegate.domain.usage.row import NUMBERS
from modegate.entrypoints.bootstrap.adapters import Adapters
from modegate.entrypoints.config import mapping


def _random_number() -> int:
    """Returns the number of the first row of this process."""
    return random.SystemRandom().randrange(NUMBERS)


class UsageContainer(Adapters):
    """Creates the use cases of usage by constructor injection, each as a singleton."""

    record_usage = providers.Singleton(
        RecordUsage, Adapters.usage_ledger, Adapters.clock, providers.Callable(_random_number)
    )
    query_usage = providers.Singleton(
        QueryUsage, ledger=Adapters.usage_ledger, clock=Adapters.clock
    )
    export_usage = providers.Singleton(ExportUsage, Adapters.usage_ledger)
    import_usage = providers.Singleton(ImportUsage, Adapters.usage_ledger)
    expire_usage = providers.Singleton(
        ExpireUsage,
        ledger=Adapters.usage_ledger,
        clock=Adapters.clock,
        retention_days=providers.Callable(mapping.usage_retention_days, Adapters.settings),
    )
