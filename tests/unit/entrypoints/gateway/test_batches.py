"""The loop that runs items of a batch."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from modegate.domain.batches.item import BatchItem, ItemResult, Retry
from modegate.domain.inbound_request import ChatBody
from modegate.entrypoints.gateway.batches import MAX_PAUSE_S, Execute, Pace, parsed, run_items


def item(number: int) -> BatchItem:
    return BatchItem(custom_id=str(number), url="/v1/chat/completions", body=ChatBody(b"{}", {}))


def result(of: BatchItem, status: int = 200, retry: Retry | None = None) -> ItemResult:
    return ItemResult(
        custom_id=of.custom_id, status=status, body=b"{}", request_id="r", retry=retry
    )


async def answered(of: BatchItem) -> ItemResult:
    await asyncio.sleep(0)
    return result(of)


def failing(times: int, retry: Retry | None) -> tuple[Execute, list[str]]:
    """Returns an execution whose first attempts fail, and the ids that it was asked for."""
    asked: list[str] = []

    async def execute(of: BatchItem) -> ItemResult:
        asked.append(of.custom_id)
        return result(of, 503, retry) if len(asked) <= times else result(of)

    return execute, asked


async def ids(items: AsyncIterator[ItemResult]) -> list[str]:
    return [it.custom_id async for it in items]


@pytest.mark.parametrize("concurrency", [1, 3, 50])
async def test_each_item_has_one_result(concurrency: int) -> None:
    running = most = 0

    async def execute(of: BatchItem) -> ItemResult:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return result(of)

    found = await ids(run_items(map(item, range(20)), execute, Pace(concurrency=concurrency)))
    assert sorted(found, key=int) == [str(number) for number in range(20)]
    assert most == min(concurrency, 20)


async def test_no_items_have_no_results() -> None:
    assert await ids(run_items([], answered, Pace(concurrency=4))) == []


async def test_a_failure_that_may_pass_is_repeated() -> None:
    execute, asked = failing(2, Retry(0.0))
    pace = Pace(concurrency=1, retries=2, first_delay_s=0.0)
    (found,) = [it async for it in run_items([item(1)], execute, pace)]
    assert (found.status, len(asked)) == (200, 3)


@pytest.mark.parametrize(
    ("retry", "retries"), [(None, 5), (Retry(0.0), 0), (Retry(MAX_PAUSE_S + 1), 5)]
)
async def test_other_failures_are_results_at_once(retry: Retry | None, retries: int) -> None:
    execute, asked = failing(9, retry)
    pace = Pace(concurrency=1, retries=retries, first_delay_s=0.0)
    (found,) = [it async for it in run_items([item(1)], execute, pace)]
    assert (found.status, len(asked)) == (503, 1)


@pytest.mark.parametrize("wrong", [{"concurrency": 0}, {"concurrency": 1, "retries": -1}])
def test_a_number_that_is_too_small_is_a_clear_error(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"(concurrency|retries) must be at least [01], not "):
        Pace(**wrong)  # type: ignore[arg-type]


def test_pauses_double_and_are_no_shorter_than_the_backend_asks() -> None:
    pace = Pace(concurrency=1, retries=9, first_delay_s=1.0)
    for attempt in range(5):
        pause_s = pace.pause_s(attempt, Retry())
        assert pause_s is not None
        assert 2**attempt / 2 <= pause_s <= 2**attempt
    assert pace.pause_s(0, Retry(20.0)) == 20.0


async def test_a_stopped_run_begins_nothing_and_does_not_wait_for_a_retry() -> None:
    pace = Pace(concurrency=2, retries=5, first_delay_s=60.0)

    async def execute(of: BatchItem) -> ItemResult:
        if of.custom_id == "0":
            return result(of, 503, Retry())
        pace.stop.set()
        return result(of)

    assert await ids(run_items(map(item, range(9)), execute, pace)) == ["1"]


async def test_an_exception_of_the_items_ends_the_run() -> None:
    with pytest.raises(ValueError, match="custom_id is missing"):
        await ids(run_items(parsed([{"method": "POST"}]), answered, Pace(concurrency=3)))


async def test_closing_cancels_what_runs() -> None:
    cancelled = 0

    async def execute(of: BatchItem) -> ItemResult:
        nonlocal cancelled
        if of.custom_id == "0":
            return result(of)
        try:
            await asyncio.Event().wait()
        finally:
            cancelled += 1
        raise AssertionError

    results = run_items(map(item, range(9)), execute, Pace(concurrency=3))
    await anext(results)
    await results.aclose()
    assert cancelled == 3


async def test_cancelling_its_tasks_ends_a_run() -> None:
    tasks: set[asyncio.Task[None]] = set()

    async def execute(of: BatchItem) -> ItemResult:
        for task in tasks:
            task.cancel()
        await asyncio.Event().wait()
        return result(of)

    with pytest.raises(RuntimeError, match="the batch was closed"):
        await ids(run_items(map(item, range(9)), execute, Pace(concurrency=3), tasks))
    assert not tasks
