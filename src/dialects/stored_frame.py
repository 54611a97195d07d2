"""The form in which the frame of a kept response is stored, as a part of JSON."""

from typing import Any

from modegate.domain.answer.frame import AnswerFrame
from modegate.domain.parameters.turn_setting import TurnSetting
from modegate.domain.tools.client_tool import Calling, ClientTool, ToolOffer


def frame_row(frame: AnswerFrame) -> dict[str, object]:
    """Returns the frame as JSON."""
    return {
        "completion_id": frame.completion_id,
        "created": frame.created,
        "model": frame.model,
        "session_id": frame.session_id,
        "new_session": frame.new_session,
        "include_usage": frame.include_usage,
        "ignored": frame.ignored,
        "names": {setting.name: names for setting, names in frame.names.items()},
        "ignored_tools": frame.ignored_tools,
        "echoed": frame.echoed,
        "shows_reasoning": frame.shows_reasoning,
        "prompt_tokens": frame.prompt_tokens,
        "tools": None if frame.tools is None else _offer(frame.tools),
    }


def _offer(offer: ToolOffer) -> dict[str, object]:
    return {
        "tools": [
            [it.name, it.description, it.parameters, it.strict, it.free_text] for it in offer.tools
        ],
        "calling": offer.calling.name,
        "callable": None if offer.callable is None else sorted(offer.callable),
        "parallel": offer.parallel,
        "legacy": offer.legacy,
    }


def read_frame(row: dict[str, Any]) -> AnswerFrame:
    """Returns the frame; errors of all kinds are raised for a value that is none."""
    return AnswerFrame(
        **row
        | {
            "ignored": tuple(row["ignored"]),
            "names": {TurnSetting[name]: tuple(it) for name, it in row["names"].items()},
            "ignored_tools": tuple(row["ignored_tools"]),
            "tools": None if row["tools"] is None else _read_offer(row["tools"]),
        }
    )


def _read_offer(row: dict[str, Any]) -> ToolOffer:
    called = row["callable"]
    return ToolOffer(
        tuple(ClientTool(*it) for it in row["tools"]),
        Calling[row["calling"]],
        None if called is None else frozenset(called),
        row["parallel"],
        row["legacy"],
    )
