import pytest
from hypothesis import given
from hypothesis import strategies as st

from modegate.domain.dialect_name import DialectName
from modegate.domain.errors import InvalidHeaderError
from modegate.domain.routing.mode import (
    FALSY,
    MODEL_PREFIX,
    TRUTHY,
    UNDECIDED,
    Mode,
    ModeDecision,
    ModeDefaults,
    decide_mode,
)

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


@given(claude_code=st.sampled_from([None, "true", "false"]), session_id=st.sampled_from([None, ID]))
def test_only_absent_headers_leave_the_mode_to_defaults(
    claude_code: str | None, session_id: str | None
) -> None:
    decision = decide_mode(claude_code, session_id)
    assert decision.by_default is (claude_code is None and session_id is None)


NAMED = f"{MODEL_PREFIX}sonnet"


@pytest.mark.parametrize(
    ("model", "key_mode", "dialect_mode", "default", "mode"),
    [
        ("sonnet", None, None, PASSTHROUGH, PASSTHROUGH),
        ("sonnet", None, None, CLAUDE, CLAUDE),
        ("sonnet", None, PASSTHROUGH, CLAUDE, PASSTHROUGH),
        ("sonnet", None, CLAUDE, PASSTHROUGH, CLAUDE),
        ("sonnet", PASSTHROUGH, CLAUDE, CLAUDE, PASSTHROUGH),
        ("sonnet", CLAUDE, PASSTHROUGH, PASSTHROUGH, CLAUDE),
        (NAMED, PASSTHROUGH, PASSTHROUGH, PASSTHROUGH, CLAUDE),
        ("x/claude-code/sonnet", None, None, PASSTHROUGH, PASSTHROUGH),
        ("claude-code", None, None, PASSTHROUGH, PASSTHROUGH),
        (None, None, None, PASSTHROUGH, PASSTHROUGH),
        (["claude-code/"], None, None, PASSTHROUGH, PASSTHROUGH),
    ],
)
def test_without_headers_the_nearest_statement_decides(
    model: object, key_mode: Mode | None, dialect_mode: Mode | None, default: Mode, mode: Mode
) -> None:
    modes = ModeDefaults(default, {DialectName.CHAT: dialect_mode} if dialect_mode else {})
    decided = modes.decide(UNDECIDED, DialectName.CHAT, key_mode, model)
    assert decided == ModeDecision(mode)
    assert not decided.by_default


@given(
    by_headers=st.sampled_from(
        [decide_mode("true", None), decide_mode("false", ID), decide_mode(None, ID)]
    ),
    default=st.sampled_from(Mode),
    key_mode=st.none() | st.sampled_from(Mode),
    model=st.sampled_from([None, "sonnet", NAMED]),
)
def test_no_default_and_no_model_overrides_a_header(
    by_headers: ModeDecision, default: Mode, key_mode: Mode | None, model: str | None
) -> None:
    modes = ModeDefaults(default, dict.fromkeys(DialectName, default))
    assert modes.decide(by_headers, DialectName.CHAT, key_mode, model) is by_headers


def test_a_dialect_without_a_mode_has_that_of_the_gateway() -> None:
    modes = ModeDefaults(dialects={DialectName.MESSAGES: CLAUDE})
    decided = {it: modes.decide(UNDECIDED, it).mode for it in DialectName}
    assert decided == {
        DialectName.CHAT: PASSTHROUGH,
        DialectName.RESPONSES: PASSTHROUGH,
        DialectName.MESSAGES: CLAUDE,
    }


def test_an_item_of_a_batch_stays_one_that_begins_anew() -> None:
    item = ModeDecision(PASSTHROUGH, anew=True, by_default=True)
    assert ModeDefaults(CLAUDE).decide(item, DialectName.CHAT) == ModeDecision(CLAUDE, anew=True)
