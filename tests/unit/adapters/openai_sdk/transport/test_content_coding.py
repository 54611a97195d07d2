import gzip
import zlib

import pytest

from modegate.adapters.openai_sdk.transport.content_coding import MAX_ANSWER_BYTES, decoder_for
from modegate.domain.errors import OutputLimitError, UpstreamInvalidResponseError

PLAIN = b'{"choices": []}' * 9
RAW = zlib.compressobj(wbits=-zlib.MAX_WBITS)
CODED = {
    "gzip": gzip.compress(PLAIN),
    "X-GZip": gzip.compress(PLAIN),
    "deflate": zlib.compress(PLAIN),
    "Deflate": RAW.compress(PLAIN) + RAW.flush(),
    "gzip, deflate": zlib.compress(gzip.compress(PLAIN)),
    "identity, gzip": gzip.compress(PLAIN),
    "gzip,": gzip.compress(PLAIN[:5]) + gzip.compress(PLAIN[5:]),
}


def decoded(label: str, *pieces: bytes) -> bytes:
    decoder = decoder_for([label])
    assert decoder is not None
    plain = b"".join(map(decoder.feed, pieces))
    decoder.finish()
    return plain


@pytest.mark.parametrize("label", CODED)
def test_codings_are_undone_however_the_bytes_come(label: str) -> None:
    coded = CODED[label]
    assert decoded(label, coded) == PLAIN
    assert decoded(label, *(coded[i : i + 1] for i in range(len(coded)))) == PLAIN


def test_several_labels_are_one_list() -> None:
    decoder = decoder_for(["gzip", "deflate"])
    assert decoder is not None
    assert decoder.feed(CODED["gzip, deflate"]) == PLAIN


@pytest.mark.parametrize("label", ["", "identity", "Identity, identity", "none", "utf-8"])
def test_a_label_that_names_no_coding_needs_none(label: str) -> None:
    assert decoder_for([label]) is None


@pytest.mark.parametrize("label", ["br", "zstd", "x-own", "gzip, br", "gzip, gzip, gzip, gzip"])
def test_what_is_not_supported_is_refused(label: str) -> None:
    with pytest.raises(UpstreamInvalidResponseError):
        decoder_for([label])


@pytest.mark.parametrize("label", ["gzip", "deflate"])
def test_a_label_that_lies_is_refused(label: str) -> None:
    coded = CODED[label]
    for pieces in ([PLAIN], [coded[:-1]], [coded[:9]], [coded, b"junk"], [coded + b"junk"]):
        with pytest.raises(UpstreamInvalidResponseError) as caught:
            decoded(label, *pieces)
        assert label in caught.value.reason


def test_nothing_at_all_is_nothing() -> None:
    assert decoded("gzip") == b""


def test_few_bytes_that_become_too_many_are_refused() -> None:
    bomb = gzip.compress(bytes(MAX_ANSWER_BYTES + 1), compresslevel=1)
    with pytest.raises(OutputLimitError):
        decoded("gzip", bomb)
