"""The limits of admission while the store that gateways share is away."""

from collections import Counter
from dataclasses import replace

from modegate.application.ports.admission_limiter import AdmissionLimiter
from modegate.application.ports.shared_store import SharedStore
from modegate.domain.errors import StorageError
from modegate.domain.errors.catalogue import storage
from modegate.domain.quota import KeyLimits, Limit, Quota
from modegate.domain.store_failure import StoreFailureMode, share_of


class LimitsWithoutStore:
    """Asks the shared limits; while their store is away, does what the mode says.

    In local mode each gateway allows its share of every limit, counted in `local`. Then no key gets
    more than its limit from all gateways together, apart from what was counted before.
    """

    def __init__(
        self,
        shared: AdmissionLimiter,
        local: AdmissionLimiter,
        store: SharedStore,
        mode: StoreFailureMode,
    ) -> None:
        self._shared = shared
        self._local = local
        self._store = store
        self._mode = mode
        self._local_permits: Counter[str] = Counter()

    async def acquire(
        self, per_address: Limit, address: str, key: KeyLimits | None = None
    ) -> Quota:
        """Counts a request of the address, and acquires a permit of the key.

        Raises:
            RateLimitError: a rate or the permits are exhausted.
            StorageError: the store is away, and the mode is `CLOSED`.
        """
        if self._store.is_up:
            try:
                return await self._shared.acquire(per_address, address, key)
            except StorageError:
                if self._mode is StoreFailureMode.CLOSED:
                    raise
        elif self._mode is StoreFailureMode.CLOSED:
            raise storage.store_away()
        part = None if key is None else self._key_share(key)
        quota = await self._local.acquire(self._share(per_address), address, part)
        if key is not None:
            self._local_permits[key.subject] += 1
        return quota

    def release(self, subject: str) -> None:
        """Releases one of the permits of a key; local ones first.

        Permits of a key are alike. While a shared one is in use longer than it needs to be, fewer
        requests are admitted, never more.
        """
        if self._local_permits[subject]:
            self._local_permits[subject] -= 1
            self._local.release(subject)
        else:
            self._shared.release(subject)
        if not self._local_permits[subject]:
            del self._local_permits[subject]

    async def record(self, limit: Limit, subject: str) -> Quota:
        """Counts one request of the subject.

        Raises:
            RateLimitError: the limit is reached.
            StorageError: the store is away, and the mode is `CLOSED`.
        """
        if self._store.is_up:
            try:
                return await self._shared.record(limit, subject)
            except StorageError:
                if self._mode is StoreFailureMode.CLOSED:
                    raise
        elif self._mode is StoreFailureMode.CLOSED:
            raise storage.store_away()
        return await self._local.record(self._share(limit), subject)

    async def peek(self, limit: Limit, subject: str) -> Quota:
        """Returns the remaining quota; for the header of any answer, so it does not fail."""
        if self._store.is_up:
            try:
                return await self._shared.peek(limit, subject)
            except StorageError:
                pass
        return await self._local.peek(self._share(limit), subject)

    async def aclose(self) -> None:
        """Closes the limits, if they can be closed."""
        for limiter in (self._shared, self._local):
            if aclose := getattr(limiter, "aclose", None):
                await aclose()

    def _share(self, limit: Limit) -> Limit:
        return replace(limit, requests=share_of(limit.requests, self._store.gateways))

    def _key_share(self, key: KeyLimits) -> KeyLimits:
        rate = None if key.rate is None else self._share(key.rate)
        return KeyLimits(key.subject, share_of(key.permits, self._store.gateways), rate)
