"""The quota windows of a Claude account, such as five hours and seven days, as the API reports them."""

from collections.abc import Mapping
from dataclasses import field, replace
from enum import StrEnum

from modegate.lazy_dataclass import dataclass

OVERAGE = "overage"  # the window of paid use beyond the plan


class WindowStatus(StrEnum):
    """Whether a window admits turns; `WARNING` means that it is close to its limit."""

    ALLOWED = "allowed"
    WARNING = "allowed_warning"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaWindow:
    """One window; what is None is unknown.

    `used_ratio` is 1 at the limit, and may exceed it. `resets_at` is in Unix seconds. A rejected
    window alone does not mean that turns are refused: that is the status of all windows together.
    """

    name: str
    status: WindowStatus | None = None
    used_ratio: float | None = None
    resets_at: float | None = None

    def at(self, now: float) -> "QuotaWindow":
        """Returns the window at a time; after its reset its use is unknown until the next report."""
        if self.resets_at is None or now < self.resets_at:
            return self
        return QuotaWindow(name=self.name, status=WindowStatus.ALLOWED)

    def updated(self, newer: "QuotaWindow") -> "QuotaWindow":
        """Returns the newer report, completed by this one if both are of the same period."""
        if newer.used_ratio is None and newer.resets_at == self.resets_at:
            return replace(newer, used_ratio=self.used_ratio)
        return newer


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaWindows:
    """All windows of an account by name.

    `status` says whether turns are served, and `binding` names the window that decides it.
    `resets_at` is when the status ends, in Unix seconds. What is None is unknown.
    """

    status: WindowStatus
    binding: str | None = None
    resets_at: float | None = None
    windows: Mapping[str, QuotaWindow] = field(default_factory=dict)

    def at(self, now: float) -> "QuotaWindows":
        """Returns the windows at a time, in the order of their names."""
        windows = {name: self.windows[name].at(now) for name in sorted(self.windows)}
        if self.resets_at is None or now < self.resets_at:
            return replace(self, windows=windows)
        return QuotaWindows(status=WindowStatus.ALLOWED, windows=windows)

    def updated(self, newer: "QuotaWindows") -> "QuotaWindows":
        """Returns the newer report, with the windows that it does not mention.

        The window of paid use is one only as long as it is mentioned.
        """
        known = {name: it for name, it in self.windows.items() if name != OVERAGE}
        told = {
            name: self.windows.get(name, window).updated(window)
            for name, window in newer.windows.items()
        }
        return replace(newer, windows=known | told)
