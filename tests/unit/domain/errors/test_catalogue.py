"""Every message of the catalogue, in the words of every entry point."""

import json
import pickle
import pkgutil
import re
from pathlib import Path

import pytest
from support.error_samples import AREAS, SAMPLES

from modegate.domain.errors import GatewayError, Input, catalogue
from modegate.entrypoints.cli.wording import CLIENT, OPERATOR
from modegate.entrypoints.http.messages.errors import render_error
from modegate.entrypoints.http.messages.wording import PATH

MESSAGES = json.loads(
    (Path(__file__).parents[3] / "captures/error_messages.json").read_text("utf-8")
)
PARAM_OF_THE_BODY = re.compile(r"[a-z_]+(\[\d+\])?(\.[a-z]+(\[\d+\])?)?")


def told(error: GatewayError) -> dict[str, object]:
    """Its facts, and the messages that differ from the neutral one."""
    status, body = render_error(error)
    rendered = json.loads(body)["error"]
    forms = {
        "http": rendered["message"],
        "http path": error.explain(PATH),
        "chat": error.explain(CLIENT),
        "doctor": error.explain(OPERATOR),
    }
    facts = {"status": status, "code": rendered["code"], "param": rendered["param"]}
    neutral, over_http = str(error), forms["http"]
    own = {name: it for name, it in forms.items() if it != neutral}
    if own.get("http path") == over_http:
        del own["http path"]
    return facts | {"neutral": neutral} | own


@pytest.mark.parametrize("name", SAMPLES)
def test_each_entry_point_words_an_error_for_its_reader(name: str) -> None:
    assert told(SAMPLES[name]) == MESSAGES[name]


def test_the_capture_and_the_samples_hold_the_whole_catalogue() -> None:
    assert MESSAGES.keys() == SAMPLES.keys()
    modules = {module.name for module in pkgutil.iter_modules(catalogue.__path__)}
    assert {area.__name__.rpartition(".")[2] for area in AREAS} == modules


@pytest.mark.parametrize("error", SAMPLES.values(), ids=SAMPLES)
def test_a_problem_is_a_sentence(error: GatewayError) -> None:
    assert re.fullmatch(r"['A-Zm].*\.", error.problem, re.DOTALL)


@pytest.mark.parametrize("error", SAMPLES.values(), ids=SAMPLES)
def test_a_param_is_a_field_of_the_body_or_a_named_input(error: GatewayError) -> None:
    param = error.param
    assert param is None or isinstance(param, Input) or PARAM_OF_THE_BODY.match(param)


@pytest.mark.parametrize("error", SAMPLES.values(), ids=SAMPLES)
def test_an_error_survives_pickling(error: GatewayError) -> None:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - made here
    assert type(again) is type(error)
    assert vars(again) == vars(error)
