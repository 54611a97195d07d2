"""A gateway whose settings a test changes while it runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2

from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.config.sources import LoadedSettings
from support.gateway import COLD, FREELY, Gateway, GatewayFactory

ADMIN_KEY = "sk-admin-0123456789"
ADMIN = {"Authorization": f"Bearer {ADMIN_KEY}"}


@dataclass
class Changing:
    """A running gateway, and the settings that its next reload reads."""

    fixed: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)
    levels: list[str] = field(default_factory=lambda: ["info"])
    running: Gateway | None = None

    @property
    def gateway(self) -> Gateway:
        """The gateway."""
        assert self.running is not None
        return self.running

    def load(self) -> LoadedSettings:
        """Returns the settings."""
        return LoadedSettings(Settings.model_validate({**self.fixed, **self.settings}), {})

    async def reload(self, **settings: Any) -> dict[str, Any]:
        """Reloads with these settings and the fixed ones; returns the answer."""
        self.settings = settings
        return (await self.gateway.control.reload("test")).describe()

    async def get(self, path: str, headers: dict[str, str] | None = None) -> httpx2.Response:
        """Sends a GET request."""
        return await self.gateway.http.get(path, headers=headers or {})


@asynccontextmanager
async def changing(
    gateway: GatewayFactory, folder: Any, claude: Any = None, **fixed: Any
) -> AsyncIterator[Changing]:
    """Runs the gateway with the fixed settings."""
    fixed = {**FREELY, **COLD, "modegate_state_dir": folder / "state", **fixed}
    made = Changing(fixed)
    reading = {"load": made.load, "set_log_level": made.levels.append}
    async with gateway(reading=reading, claude=claude, **fixed) as running:
        made.running = running
        yield made
