import pytest

from modegate.domain.media.base64_runs import length_without_media

RUN = b"A" * 5_000


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'{"url": "data:image/png;base64,', b'"}'),
        (b'{"file_data":"', b'"}'),
        (b'{"input_audio": {"data" : "', b'", "format": "wav"}}'),
    ],
)
def test_images_and_files_do_not_count(before: bytes, after: bytes) -> None:
    assert length_without_media(before + RUN + after) == len(before + after)


@pytest.mark.parametrize("content", [RUN, b'{"content": "' + RUN + b'"}', b";base64,AAAA"])
def test_other_text_counts(content: bytes) -> None:
    assert length_without_media(content) == len(content)
