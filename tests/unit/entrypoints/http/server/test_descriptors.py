import resource

import pytest

from modegate.entrypoints.http.server.descriptors import (
    MOST,
    descriptor_limit,
    raise_descriptor_limit,
)

INFINITY = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("limits", "before", "after"),
    [
        ((1024, 4096), 1024, (4096, 4096)),
        ((4096, 4096), 4096, (4096, 4096)),
        ((1024, INFINITY), 1024, (MOST, INFINITY)),
        ((1024, 10 * MOST), 1024, (MOST, 10 * MOST)),
        ((INFINITY, INFINITY), MOST, (INFINITY, INFINITY)),
        ((2 * MOST, 2 * MOST), 2 * MOST, (2 * MOST, 2 * MOST)),
    ],
)
def test_the_soft_descriptor_limit_is_raised_to_the_hard_limit_or_maximum(
    limits: tuple[int, int], before: int, after: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = {"limits": limits}
    monkeypatch.setattr(resource, "getrlimit", lambda _: now["limits"])
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: now.update(limits=limits))
    assert raise_descriptor_limit() == before
    assert now["limits"] == after


def test_the_descriptor_limit_is_kept_if_raising_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, INFINITY))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert raise_descriptor_limit() == 256
    assert descriptor_limit() == 256
