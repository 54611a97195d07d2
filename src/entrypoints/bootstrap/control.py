"""Reloads and drains a gateway, alone or with the other workers."""

import logging
from collections.abc import Mapping
from contextlib import suppress

from modegate.domain.errors import GatewayError
from modegate.domain.errors.catalogue import configuration as errors
from modegate.entrypoints.bootstrap.reload.reloader import OTHER_CONTENT, Reloader
from modegate.entrypoints.config.reloading import NEEDS_RESTART
from modegate.entrypoints.config.shown_settings import shown_settings
from modegate.entrypoints.config.sources import SettingsError
from modegate.entrypoints.config.upstreams.places import setting_of
from modegate.entrypoints.http.admin.operation import ReloadResult
from modegate.entrypoints.http.middleware.draining import Draining
from modegate.entrypoints.http.server.workers.agreement import CHANGED, TOO_SLOW
from modegate.entrypoints.http.server.workers.orders import (
    DrainOrder,
    Order,
    OrderRefusedError,
    Orders,
    ReloadOrder,
)

OFFLINE = "offline"
# Faults that say nothing about the configuration.
TRANSIENT = frozenset({CHANGED, OTHER_CONTENT, TOO_SLOW})

log = logging.getLogger(__name__)


class Control:
    """Gives orders to all workers, and carries them out in this one.

    Until it has joined other workers, this process is the only one.
    """

    def __init__(self, draining: Draining) -> None:
        self._orders: Orders | None = None
        self._draining = draining
        self._reloader: Reloader | None = None

    @property
    def reloader(self) -> Reloader:
        """Reloads this process."""
        if self._reloader is None:
            raise RuntimeError("the gateway is not built")
        return self._reloader

    @reloader.setter
    def reloader(self, reloader: Reloader) -> None:
        self._reloader = reloader

    async def reload(self, trigger: str) -> ReloadResult:
        """Reads the configuration again, in all workers or in none.

        Raises:
            InvalidConfigurationError: it is invalid, or a worker cannot use it; the old one stays.
        """
        try:
            return await self.reloader.reload(trigger)
        except GatewayError:
            self.reloader.log_faults()
            raise

    def join(self, orders: Orders, *, drains: bool) -> None:
        """Gives orders to all workers from now on; `drains` is what they do at present."""
        self._orders = orders
        self._draining.switch(on=drains)

    async def reload_on_change(self) -> bool:
        """Reloads after a change of the settings file, and logs other faults than the last ones.

        Returns whether the file was read to its end; False if the workers were in the way.
        """
        before = self.reloader.last
        with suppress(GatewayError):
            await self.reloader.reload("change of the file")
            return True
        now = self.reloader.last
        if now is None or before is None or before.faults != now.faults:
            self.reloader.log_faults()
        return now is None or TRANSIENT.isdisjoint(now.faults)

    async def reload_on_signal(self) -> None:
        """Reloads after SIGHUP, and logs a failure."""
        with suppress(GatewayError):
            await self.reload("SIGHUP")

    async def agree(self, digest: str, trigger: str) -> None:
        """Brings all workers to the configuration with a digest.

        Raises:
            SettingsError: one of them cannot use it, and none does.
        """
        try:
            await self._order(ReloadOrder(digest, trigger))
        except OrderRefusedError as refusal:
            raise SettingsError(str(refusal).splitlines()) from None

    async def drain(self, *, on: bool) -> None:
        """Rejects new requests in all workers, or takes it back.

        Raises:
            ConfigurationError: a worker did not answer, and nothing has changed.
        """
        try:
            await self._order(DrainOrder(on=on))
        except OrderRefusedError as refusal:
            log.warning("draining not changed: %s", refusal)
            raise errors.not_drained() from None

    async def prepare(self, order: Order) -> str | None:
        """Gets ready to carry out an order; returns the fault if that is not possible."""
        return await self.reloader.prepare(order.digest) if isinstance(order, ReloadOrder) else None

    def commit(self, order: Order) -> None:
        """Carries out an order."""
        if isinstance(order, ReloadOrder):
            self.reloader.commit(order.trigger)
            return
        self._draining.switch(on=order.on)
        log.info("draining: new requests are rejected" if order.on else "draining was taken back")

    def describe(self) -> Mapping[str, object]:
        """Returns the settings in use with their sources, and the last reload."""
        reloader = self.reloader
        loaded, served = reloader.loaded, reloader.served()
        simulated = {
            name: OFFLINE for name, value in served if value != getattr(reloader.running, name)
        }
        rows = shown_settings(
            served, {**loaded.sources, **simulated}, loaded.keys, loaded.client_keys
        )
        return {
            "object": "config",
            "file": None if loaded.path is None else str(loaded.path),
            "settings": [
                {
                    "name": it.name,
                    "value": it.value,
                    "source": it.source,
                    "reloadable": setting_of(it.name) not in NEEDS_RESTART,
                }
                for it in rows
            ],
            "needs_restart": reloader.pending(),
            "fixed_by_environment": list(loaded.fixed),
            "last_reload": None if reloader.last is None else reloader.last.describe(),
        }

    async def _order(self, order: Order) -> None:
        if self._orders is not None:
            await self._orders.agree(order)
            return
        if fault := await self.prepare(order):
            raise OrderRefusedError(fault)
        self.commit(order)
