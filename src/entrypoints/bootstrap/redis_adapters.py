"""Makes the adapters of a shared store. Their library is imported only where a store is used."""

import asyncio
import importlib.util
from typing import TYPE_CHECKING

from modegate.adapters.redis.options import RedisOptions
from modegate.application.ports.admission_limiter import AdmissionLimiter
from modegate.application.ports.budget_ledger import BudgetLedger, SpendingHistory
from modegate.application.ports.call_locations import CallLocations
from modegate.application.ports.clock import Clock
from modegate.application.ports.credential_store import CredentialStore
from modegate.application.ports.key_store import KeyStore
from modegate.application.ports.response_store import ResponseStore
from modegate.application.ports.session_store import SessionStore
from modegate.domain.errors import Remedy, StorageError, Wording

if TYPE_CHECKING:
    from modegate.adapters.redis.connection import RedisConnection
    from modegate.adapters.redis.presence import RedisPresence

NO_PACKAGE = 'MODEGATE_STORE needs a package that is not installed: pip install "modegate[redis]"'


def redis_connection(options: RedisOptions) -> "RedisConnection":
    """Returns the connection to the store."""
    from modegate.adapters.redis.connection import RedisConnection  # noqa: PLC0415

    return RedisConnection(options)


def redis_limiter(connection: "RedisConnection") -> AdmissionLimiter:
    """Returns the limits of all gateways of a store."""
    from modegate.adapters.redis.admission_limiter import RedisAdmissionLimiter  # noqa: PLC0415

    return RedisAdmissionLimiter(connection)


def redis_budgets(connection: "RedisConnection", history: SpendingHistory) -> BudgetLedger:
    """Returns the budgets of all gateways of a store."""
    from modegate.adapters.redis.budget_ledger import RedisBudgetLedger  # noqa: PLC0415

    return RedisBudgetLedger(connection, history)


def redis_session_store(connection: "RedisConnection", clock: Clock) -> SessionStore:
    """Returns the sessions of all gateways."""
    from modegate.adapters.redis.session_store import RedisSessionStore  # noqa: PLC0415

    return RedisSessionStore(connection, clock)


def redis_key_store(connection: "RedisConnection") -> KeyStore:
    """Returns the keys of all gateways."""
    from modegate.adapters.redis.key_store import RedisKeyStore  # noqa: PLC0415

    return RedisKeyStore(connection)


def redis_credential_store(connection: "RedisConnection") -> CredentialStore:
    """Returns the states of credentials of all gateways."""
    from modegate.adapters.redis.credential_store import RedisCredentialStore  # noqa: PLC0415

    return RedisCredentialStore(connection)


def redis_response_store(connection: "RedisConnection") -> ResponseStore:
    """Returns the kept responses of all gateways."""
    from modegate.adapters.redis.response_store import RedisResponseStore  # noqa: PLC0415

    return RedisResponseStore(connection)


def redis_call_locations(connection: "RedisConnection") -> CallLocations:
    """Returns the sessions of open calls, of all gateways."""
    from modegate.adapters.redis.call_locations import RedisCallLocations  # noqa: PLC0415

    return RedisCallLocations(connection)


def redis_presence(connection: "RedisConnection", clock: Clock) -> "RedisPresence":
    """Returns this gateway's signs of life."""
    from modegate.adapters.redis.presence import RedisPresence  # noqa: PLC0415

    return RedisPresence(connection, clock.time_of_day())


def store_fault(options: RedisOptions, wording: Wording) -> str | None:
    """Returns why the gateway cannot be started with its store; None while the store is away."""
    if importlib.util.find_spec("redis") is None:
        return NO_PACKAGE
    return asyncio.run(_version_fault(options, wording))


async def _version_fault(options: RedisOptions, wording: Wording) -> str | None:
    connection = redis_connection(options)
    try:
        await connection.check()
    except StorageError as error:
        return error.explain(wording) if Remedy.UPDATE_STORE in error.remedies else None
    finally:
        await connection.aclose()
    return None
