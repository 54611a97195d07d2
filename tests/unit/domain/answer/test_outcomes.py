import json
import mmap
import re
from pathlib import Path
from typing import get_args

import claude_agent_sdk
import pytest
from claude_agent_sdk.types import AssistantMessageError

from modegate.domain.answer import outcomes
from modegate.domain.answer.events import FinishReason
from modegate.domain.answer.outcomes import Failure

ERRORS = {**outcomes.SPECIFIC_ERRORS, **outcomes.GENERAL_ERRORS}
EXECUTABLE = Path(claude_agent_sdk.__file__).parent / "_bundled" / "claude"


def test_every_error_name_of_the_sdk_has_an_outcome() -> None:
    assert not set(get_args(AssistantMessageError)) - ERRORS.keys()


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("begin", "table"),
    [
        (b'["authentication_failed","oauth_org_not_allowed"', ERRORS),
        (b'["end_turn","max_tokens","stop_sequence"', outcomes.STOP_REASONS),
        (b'["error_during_execution","error_max_turns"', outcomes.RESULT_SUBTYPES),
        (b'["max_output_tokens","dlp_request_denied"', outcomes.ERROR_KINDS),
    ],
)
def test_every_name_in_the_installed_executable_has_an_outcome(
    begin: bytes, table: dict[str, object]
) -> None:
    with (
        EXECUTABLE.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        found = data.find(begin)
        assert found >= 0
        names = json.loads(data[found : data.find(b"]", found) + 1])
    assert not set(names) - table.keys()


def test_no_error_is_both_specific_and_general() -> None:
    assert not outcomes.SPECIFIC_ERRORS.keys() & outcomes.GENERAL_ERRORS.keys()


def test_outcome_names_are_lowercase_identifiers() -> None:
    tables = (outcomes.STOP_REASONS, outcomes.RESULT_SUBTYPES, ERRORS, outcomes.ERROR_KINDS)
    assert all(re.fullmatch("[a-z][a-z0-9_]+", name) for table in tables for name in table)


def test_only_end_turn_and_stop_sequence_map_to_finish_reason_stop() -> None:
    stops = {k for k, v in outcomes.STOP_REASONS.items() if v is FinishReason.STOP}
    assert stops == {"end_turn", "stop_sequence"}


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (401, Failure.CREDENTIALS),
        (404, Failure.MODEL),
        (408, Failure.SERVER),
        (418, Failure.REQUEST),
        (429, Failure.RATE_LIMITED),
        (500, Failure.SERVER),
        (529, Failure.SERVER),
        (200, Failure.UNKNOWN),
    ],
)
def test_http_statuses_map_to_failures(status: int, failure: Failure) -> None:
    assert outcomes.of_status(status) is failure
