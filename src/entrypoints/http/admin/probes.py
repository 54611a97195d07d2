"""Probes of credentials, each at most once at a time."""

import asyncio

from modegate.application.credentials.probe import ProbeCredential
from modegate.application.credentials.view import CredentialView


class SharedProbes:
    """Runs one probe of a credential at a time; requests that come meanwhile share its result.

    A client that disconnects does not stop a probe, which others may wait for.
    """

    def __init__(self, probe: ProbeCredential) -> None:
        self._probe = probe
        self._running: dict[str, asyncio.Task[CredentialView]] = {}

    async def run(self, credential_id: str) -> CredentialView:
        """Returns the credential after the probe.

        Raises:
            CredentialNotFoundError: no credential has this id.
        """
        running = self._running.get(credential_id)
        if running is None:
            running = asyncio.create_task(self._probe.execute(credential_id))
            self._running[credential_id] = running
            running.add_done_callback(lambda done: self._forget(credential_id, done))
        return await asyncio.shield(running)

    async def aclose(self) -> None:
        """Stops the probes that are running."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)

    def _forget(self, credential_id: str, done: asyncio.Task[CredentialView]) -> None:
        del self._running[credential_id]
        if not done.cancelled():
            done.exception()  # retrieved, also if no client waits for it any more
