import gzip
import zlib

import pytest

from modegate.adapters.openai_sdk.transport.content_coding import decoder_for
from modegate.domain.errors import OutputLimitError, UpstreamInvalidResponseError
from modegate.domain.upstream_response import MAX_ANSWER_BYTES

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
def test_content_codings_are_decoded_however_the_bytes_are_split(label: str) -> None:
    coded = CODED[label]
    assert decoded(label, coded) == PLAIN
    assert decoded(label, *(coded[i : i + 1] for i in range(len(coded)))) == PLAIN


def test_several_content_encoding_headers_form_one_list() -> None:
    decoder = decoder_for(["gzip", "deflate"])
    assert decoder is not None
    assert decoder.feed(CODED["gzip, deflate"]) == PLAIN


@pytest.mark.parametrize("label", ["", "identity", "Identity, identity", "none", "utf-8"])
def test_a_header_that_names_no_coding_needs_no_decoder(label: str) -> None:
    assert decoder_for([label]) is None


@pytest.mark.parametrize("label", ["br", "zstd", "x-own", "gzip, br", "gzip, gzip, gzip, gzip"])
def test_unsupported_content_codings_are_rejected(label: str) -> None:
    with pytest.raises(UpstreamInvalidResponseError):
        decoder_for([label])


@pytest.mark.parametrize("label", ["gzip", "deflate"])
def test_bodies_that_do_not_match_their_content_coding_are_rejected(label: str) -> None:
    coded = CODED[label]
    for pieces in ([PLAIN], [coded[:-1]], [coded[:9]], [coded, b"junk"], [coded + b"junk"]):
        with pytest.raises(UpstreamInvalidResponseError) as caught:
            decoded(label, *pieces)
        assert label in caught.value.reason


def test_an_empty_gzip_body_decodes_to_empty_bytes() -> None:
    assert decoded("gzip") == b""


def test_a_decompression_bomb_is_rejected() -> None:
    bomb = gzip.compress(bytes(MAX_ANSWER_BYTES + 1), compresslevel=1)
    with pytest.raises(OutputLimitError):
        decoded("gzip", bomb)


def test_a_decompression_bomb_of_many_members_is_rejected() -> None:
    member = gzip.compress(bytes(MAX_ANSWER_BYTES // 8))
    assert len(decoded("gzip", member * 8)) == MAX_ANSWER_BYTES
    with pytest.raises(OutputLimitError):
        decoded("gzip", member * 9)
