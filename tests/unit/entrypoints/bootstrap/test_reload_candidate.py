"""What a reload reads, and what it keeps."""

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modegate.domain.access.api_key import ApiKey
from modegate.entrypoints.bootstrap.reload.candidate import Candidate, ConfigurationReader
from modegate.entrypoints.bootstrap.reload.carry_over import carried_over
from modegate.entrypoints.config import mapping
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.config.sources import LoadedSettings, SettingsError, load_settings


def read(running: Settings, **values: Any) -> Candidate:
    loaded = LoadedSettings(Settings.model_validate(values), {})
    return ConfigurationReader(load=lambda: loaded, environment={}).read(running)


def test_a_gateway_that_listens_for_everyone_does_not_lose_its_last_key() -> None:
    running = Settings.model_validate({"host": "0.0.0.0", "api_key": "sk-x"})
    with pytest.raises(SettingsError, match=r"present values of host, which need a restart"):
        read(running)
    assert read(running, allow_unauthenticated=True).settings.host == "0.0.0.0"
    assert read(running, api_keys=["sk-y"]).settings.host == "0.0.0.0"


def test_an_upstream_must_not_become_the_gateway_itself() -> None:
    with pytest.raises(SettingsError, match="the address of this gateway itself"):
        read(Settings(port=4000), openai_base_url="http://127.0.0.1:4000/v1")


def test_a_digest_depends_on_every_value_their_order_and_the_keys_in_files(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk-1")

    def table(name: str, models: list[str]) -> dict[str, Any]:
        row = {"id": name, "key_file": str(tmp_path / "key")}
        return {"base_url": "http://kimi/v1", "models": models, "credentials": [row]}

    one, other = table("a", ["k"]), table("b", ["l"])

    def digest(**values: Any) -> str:
        return read(Settings(), **values).digest

    same = digest(upstreams={"kimi": one, "other": other})
    assert digest(upstreams={"kimi": one, "other": other}) == same
    (tmp_path / "key").write_text("sk-2")
    different = {
        digest(upstreams={"kimi": one, "other": other}),
        digest(upstreams={"other": other, "kimi": one}),
        digest(upstreams={"kimi": one}),
        digest(upstreams={"kimi": table("a", ["m"])}),
        digest(),
        digest(api_key="sk-x"),
        digest(api_key="sk-y"),
        digest(port=1),
    }
    assert len(different | {same}) == 9


def test_a_replaced_key_of_an_unchanged_row_has_no_expiry(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("sk-1")
    os.utime(path, (0, 0))
    row = {"id": "a", "key_file": str(path), "expires_at": "2100-01-01T00:00:00Z"}
    table = {"base_url": "http://kimi/v1", "models": ["k"], "credentials": [row]}
    settings = Settings.model_validate({"upstreams": {"kimi": table}})
    current = mapping.configuration(settings)
    (old,) = current.routes.upstreams
    assert old.credentials[0].expires_at is not None
    assert (
        carried_over(mapping.configuration(settings), current, settings, settings).routes.upstreams[
            0
        ]
        is old
    )
    path.write_text("sk-2")
    os.utime(path, (0, 0))
    after = carried_over(mapping.configuration(settings), current, settings, settings)
    (credential,) = after.routes.upstreams[0].credentials
    assert (credential.key, credential.expires_at) == (ApiKey("sk-2"), None)
    void = replace(old.credentials[0], expires_at=None)
    renewed = current.with_credentials({"a": void})
    path.write_text("sk-1")
    again = carried_over(mapping.configuration(settings), renewed, settings, settings)
    assert again.routes.upstreams[0] is renewed.routes.upstreams[0]


def test_a_missing_variable_is_a_fault_that_says_why_a_reload_cannot_help(tmp_path: Path) -> None:
    file = tmp_path / "modegate.toml"
    file.write_text(
        '[upstreams.kimi]\nbase_url = "http://kimi/v1"\nmodels = ["k"]\n'
        '[[upstreams.kimi.credentials]]\nid = "a"\nkey_env = "KIMI_KEY"\n'
    )
    with pytest.raises(SettingsError, match="no new variables"):
        load_settings({}, str(file), is_reload=True)
    with pytest.raises(SettingsError) as at_start:
        load_settings({}, str(file))
    assert not re.search("no new variables", str(at_start.value))
    assert load_settings({"KIMI_KEY": "sk-k"}, str(file), is_reload=True).keys == {"a": "****"}


def test_a_pipe_is_not_read_again(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(SettingsError, match="is a pipe, which cannot be read again"):
        load_settings({}, str(pipe), is_reload=True)


def test_settings_of_the_file_that_the_environment_fixes_are_named(tmp_path: Path) -> None:
    file = tmp_path / "modegate.toml"
    file.write_text('port = 1\nhost = "localhost"\n')
    assert load_settings({"PORT": "2", "API_KEY": "sk-x"}, str(file)).fixed == ("port",)
