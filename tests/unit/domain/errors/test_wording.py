import pytest
from support.error_samples import SAMPLES

from modegate.domain.errors import (
    GENERAL,
    NEUTRAL,
    GatewayError,
    Input,
    Remedy,
    SessionBusyError,
    ShuttingDownError,
    Wording,
)
from modegate.domain.errors.remedies import NOTES, OPTIONAL_FOR_OPERATOR, REQUIRED_OF_OPERATOR
from modegate.entrypoints.cli.wording import CLIENT, OPERATOR
from modegate.entrypoints.gateway.wording import ARGUMENTS
from modegate.entrypoints.http.messages.wording import HEADERS, PATH

WORDINGS = {
    "neutral": NEUTRAL,
    "headers": HEADERS,
    "path": PATH,
    "client": CLIENT,
    "doctor": OPERATOR,
    "arguments": ARGUMENTS,
}


@pytest.mark.parametrize("wording", WORDINGS.values(), ids=WORDINGS)
def test_each_wording_has_words_for_every_remedy(wording: Wording) -> None:
    assert set(wording.words) == set(Remedy)


@pytest.mark.parametrize("remedy", Remedy)
def test_the_neutral_wording_leaves_nothing_out(remedy: Remedy) -> None:
    assert NEUTRAL.words[remedy]


@pytest.mark.parametrize("remedy", GENERAL)
def test_general_words_are_the_same_everywhere(remedy: Remedy) -> None:
    assert {wording.words[remedy] for wording in WORDINGS.values()} == {GENERAL[remedy]}


def test_a_remedy_is_of_one_kind() -> None:
    assert not REQUIRED_OF_OPERATOR & OPTIONAL_FOR_OPERATOR
    assert not NOTES & (REQUIRED_OF_OPERATOR | OPTIONAL_FOR_OPERATOR)


def test_http_names_every_input() -> None:
    assert set(HEADERS.inputs) == set(PATH.inputs) == set(Input)


def test_no_remedy_is_unused() -> None:
    assert {remedy for error in SAMPLES.values() for remedy in error.remedies} == set(Remedy)


@pytest.mark.parametrize(
    ("remedies", "message"),
    [
        ((), "It failed."),
        ((Remedy.RETRY,), "It failed: send the request again."),
        ((Remedy.RETRY, Remedy.REPHRASE), "It failed: send the request again, or rephrase the request."),
        ((Remedy.RETRY_AFTER,), "It failed: send the request again in 3 s."),
        ((Remedy.CHECK_STATE_FOLDER,), "It failed: the operator has to check the state folder and its disk."),
        (
            (Remedy.READ_LOG, Remedy.CHECK_UPSTREAM, Remedy.RETRY),
            "It failed: send the request again; the operator can check the upstream; the server's log says more.",
        ),
    ],
)  # fmt: skip
def test_a_message_says_what_was_wrong_then_what_to_do(
    remedies: tuple[Remedy, ...], message: str
) -> None:
    error = GatewayError("It failed.", remedies=remedies, retry_after=2.1)
    assert str(error) == error.message == message


def test_a_remedy_that_does_not_apply_is_left_out() -> None:
    error = GatewayError("It failed.", remedies=(Remedy.LIST_SESSIONS,))
    assert error.explain(HEADERS) == "It failed."
    assert error.explain(PATH) == "It failed: GET /v1/sessions lists yours."


def test_an_entry_point_may_set_the_words_of_an_error() -> None:
    error = GatewayError("It failed.", remedies=(Remedy.USE_CLAUDE_CODE,))
    error.wording = ARGUMENTS
    assert str(error) == error.message == 'It failed: pass mode="claude-code".'


def test_only_inputs_have_other_names() -> None:
    assert HEADERS.name(Input.MODE) == "X-Claude-Code"
    assert HEADERS.name("mode") == "mode"
    assert HEADERS.name("messages[2].content") == "messages[2].content"
    assert HEADERS.name(None) is None
    assert NEUTRAL.name(Input.MODE) == "mode"


def test_a_message_of_your_own_stays_as_it_is() -> None:
    assert str(SessionBusyError("Wait, please.")) == "Wait, please."
    assert str(ShuttingDownError("Closing.")) == "Closing."
    assert str(SessionBusyError()).endswith(": wait for its answer, or begin a new session.")
    assert str(ShuttingDownError()).endswith(": send the request again in a moment.")
