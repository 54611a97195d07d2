import pytest
from hypothesis import given
from hypothesis import strategies as st

from modegate.domain.errors import InvalidHeaderError
from modegate.domain.routing.mode import FALSY, TRUTHY, Mode, ModeDecision, decide_mode

ID = "3f8b0c1e-6f6c-4b59-9a52-0d4e2c9f1b11"
CLAUDE, PASSTHROUGH = Mode.CLAUDE_CODE, Mode.PASSTHROUGH


@pytest.mark.parametrize(
    ("claude_code", "session_id", "decision"),
    [
        (None, None, ModeDecision(PASSTHROUGH)),
        (None, ID, ModeDecision(CLAUDE, ID)),
        ("true", None, ModeDecision(CLAUDE)),
        ("true", ID, ModeDecision(CLAUDE, ID)),
        ("false", None, ModeDecision(PASSTHROUGH)),
        ("false", ID, ModeDecision(PASSTHROUGH)),
    ],
)
def test_the_request_headers_decide_the_mode(
    claude_code: str | None, session_id: str | None, decision: ModeDecision
) -> None:
    assert decide_mode(claude_code, session_id) == decision


@pytest.mark.parametrize("session_id", [None, ID])
@pytest.mark.parametrize("claude_code", ["", " ", "maybe", "on", "2", "true,true", "tru"])
def test_an_unknown_claude_code_header_value_is_rejected(
    claude_code: str, session_id: str | None
) -> None:
    with pytest.raises(InvalidHeaderError, match=r"true/1/yes .* false/0/no") as caught:
        decide_mode(claude_code, session_id)
    assert caught.value.code == "invalid_header_value"


def test_an_empty_session_id_selects_claude_code_mode() -> None:
    assert decide_mode(None, "") == ModeDecision(CLAUDE, "")


def test_mode_names_match_the_header_values() -> None:
    assert [str(mode) for mode in Mode] == ["claude-code", "openai-passthrough"]


header_values = st.none() | st.text(st.characters(max_codepoint=255), max_size=12)


@given(claude_code=header_values, session_id=header_values)
def test_every_header_value_selects_a_mode_or_is_rejected(
    claude_code: str | None, session_id: str | None
) -> None:
    word = None if claude_code is None else claude_code.strip(" \t").lower()
    try:
        decision = decide_mode(claude_code, session_id)
    except InvalidHeaderError:
        assert word is not None
        assert word not in TRUTHY | FALSY
        return
    wants_claude = word in TRUTHY or (word is None and session_id is not None)
    assert decision.mode is (CLAUDE if wants_claude else PASSTHROUGH)
    assert decision.session_id == (session_id if wants_claude else None)


@given(st.sampled_from(sorted(TRUTHY | FALSY)), st.data())
def test_header_case_and_surrounding_blanks_are_ignored(word: str, data: st.DataObject) -> None:
    cased = "".join(data.draw(st.sampled_from([c.lower(), c.upper()])) for c in word)
    blanks = st.text(" \t", max_size=3)
    value = data.draw(blanks) + cased + data.draw(blanks)
    assert decide_mode(value, None) == decide_mode(word, None)
