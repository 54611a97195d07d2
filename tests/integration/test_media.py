"""With the real CLI: images and files of messages reach the API, and are stored nowhere else."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from support.gateway import CLAUDE, Gateway, GatewayFactory
from support.pictures import IMAGES, PDF, PNG, data_url, file, image, png, text

from modegate.simulator.provider import SimulatedProvider

# Two MB, as an ordinary screenshot has.
SCREENSHOT = png(1000, 700, noise=True)
SESSION = "X-Claude-Session-ID"


async def ask(gateway: Gateway, *parts: object, **headers: str) -> Any:
    return await gateway.http.post(
        "/v1/chat/completions",
        json={"model": "sonnet", "messages": [{"role": "user", "content": [*parts]}]},
        headers=CLAUDE | {name.replace("_", "-"): value for name, value in headers.items()},
    )


def blocks(provider: SimulatedProvider) -> list[dict[str, Any]]:
    """Returns the content of the last user message that the API received."""
    messages: Any = provider.requests[-1].json["messages"]
    said = [it for it in messages if it["role"] == "user"]
    content = said[-1]["content"]
    return [{k: v for k, v in it.items() if k != "cache_control"} for it in content]


def shown(media_type: str, data: bytes) -> dict[str, Any]:
    encoded = base64.b64encode(data).decode()
    return {
        "type": "image",
        "source": {"type": "base64", "media_type": media_type, "data": encoded},
    }


def holding(folder: Path, data: bytes) -> list[str]:
    """Returns the names of the files that hold the data, as it is or in base64."""
    wanted = (data, base64.b64encode(data))
    files = (it for it in folder.rglob("*") if it.is_file())
    return [it.suffix for it in files if any(form in it.read_bytes() for form in wanted)]


async def test_images_and_files_reach_the_api_in_their_order(
    gateway: GatewayFactory, provider: SimulatedProvider, tmp_path: Path
) -> None:
    pictures = [image(data, "image/png") for data in IMAGES.values()]
    async with gateway() as running:
        answered = await ask(running, text("/a"), *pictures, text("b"), image(PNG), text("/c"))
        assert answered.status_code == 200, answered.text
        first = [shown(kind, data) for kind, data in IMAGES.items()]
        texts = [it["text"].strip() for it in blocks(provider) if it["type"] == "text"]
        assert [it for it in blocks(provider) if it["type"] == "image"] == [
            *first,
            shown("image/png", PNG),
        ]
        assert texts == ["/a", "b", "/c"]  # and no path
        assert [it["type"] for it in blocks(provider)][4:7] == ["image", "text", "image"]
        # Of this turn, and of the next one, whose history the CLI sends.
        again = await ask(running, text("And now?"), **{SESSION: answered.headers[SESSION]})
        assert again.status_code == 200
        told = json.dumps(provider.requests[-1].json["messages"])
        assert str(tmp_path) not in told
        assert "/tmp" not in told  # noqa: S108 - the CLI's own folder
        assert told.count(base64.b64encode(PNG).decode()) == 2
        assert set(holding(tmp_path, PNG)) == {".jsonl"}
        session = f"/v1/sessions/{answered.headers[SESSION]}"
        assert (await running.http.delete(session)).status_code < 300
        assert holding(tmp_path, PNG) == []


async def test_files_reach_the_api_as_documents(
    gateway: GatewayFactory, provider: SimulatedProvider
) -> None:
    async with gateway() as running:
        answered = await ask(running, file(PDF, "a.pdf"), file(b"a;b", "b.csv", "text/csv"))
        assert answered.status_code == 200, answered.text
        pdf, csv = blocks(provider)
        assert pdf["source"]["media_type"] == "application/pdf"
        assert (base64.b64decode(pdf["source"]["data"]), pdf["title"]) == (PDF, "a.pdf")
        assert csv == {
            "type": "document",
            "source": {"type": "text", "media_type": "text/plain", "data": "a;b"},
            "title": "b.csv",
        }


async def test_a_screenshot_is_answered_by_default_in_both_modes(
    both: Gateway, provider: SimulatedProvider
) -> None:
    assert len(SCREENSHOT) > 2_000_000
    said: Any = [{"role": "user", "content": [text("What is it?"), image(SCREENSHOT)]}]
    await both.sdk.chat.completions.create(model="gpt-4o", messages=said)
    assert provider.requests[-1].json["messages"] == said
    await both.sdk.chat.completions.create(model="sonnet", messages=said, extra_headers=CLAUDE)
    (found,) = (it for it in blocks(provider) if it["type"] == "image")
    assert len(found["source"]["data"]) > 100_000


@pytest.mark.parametrize("headers", [CLAUDE, {}])
async def test_a_body_is_bounded_with_and_without_its_images(
    both: Gateway, provider: SimulatedProvider, headers: dict[str, str]
) -> None:
    too_much = ("word " * 240_000, "x" * 29 * 1024 * 1024)
    for content, words in zip(too_much, ("without images and files", "The body is"), strict=True):
        said = {"model": "sonnet", "messages": [{"role": "user", "content": content}]}
        refused = await both.http.post("/v1/chat/completions", json=said, headers=headers)
        assert refused.status_code == 413
        assert words in refused.json()["error"]["message"]
    assert provider.requests == []


async def test_broken_images_are_refused_without_a_session(
    gateway: GatewayFactory, provider: SimulatedProvider, tmp_path: Path, caplog: Any
) -> None:
    async with gateway() as running:
        for url in ("data:image/png;base64,AAA", data_url(b"no image"), "https://example.com/a"):
            part = {"type": "image_url", "image_url": {"url": url}}
            refused = await ask(running, text("Hi"), part)
            assert refused.status_code == 400
            assert refused.json()["error"]["param"] == "messages[0].content[1].image_url"
    assert provider.requests == []
    assert not (tmp_path / "state" / "sessions").exists()
    assert "example.com" not in caplog.text
