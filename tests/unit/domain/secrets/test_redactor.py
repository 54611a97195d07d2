import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modegate.domain.secrets import redactor
from modegate.domain.secrets.redactor import Redactor, redact

KEY = "MIIEpAIBAAKCAQEA1234567890abcdef"
SECRETS = [
    "sk-proj-0123456789abcdef",
    "sk-ant-other12345",
    "sk-abcdefghijklmnopqrstuvwxyz",
    "sk-ant-api03-aB3_dE-fGhIjKlMnOpQrSt",
    "Bearer abc123def456ghi789",
    "bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc_DEF-123",
    "AKIAIOSFODNN7EXAMPLE",
    'aws_secret_access_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "github_pat_11ABCDEFG0abcdefghijklmnop",
    "AIzaSyA1234567890abcdefghijklmnopqrstuv",
    "ya29.a0AfH6SMBx1234567890abc",
    "xoxb-123456789012-abcdefABCDEF",
    f"-----BEGIN RSA PRIVATE KEY-----\n{KEY}\n{KEY}=\n-----END RSA PRIVATE KEY-----",
    f"-----BEGIN RSA PRIVATE KEY-----\n{' ' * 12}{KEY}\n{' ' * 12}-----END RSA PRIVATE KEY-----",
    f"-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: 1\n\n{KEY}\n-----END PGP PRIVATE KEY BLOCK-----",
    "awsSecretAccessKey: wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS_SECRET_ACCESS_KEY`: `wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXX",
    f"-----BEGIN PRIVATE KEY-----\\n{KEY}\\n-----END PRIVATE KEY-----",
    "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nx/y=\n-----END EC PRIVATE KEY-----",
]
ESCAPED = [
    "x\\nsk-ant-api03-aB3_dE-fGhIjKlMn",
    "x%3Dghp_abcdefghijklmnopqrstuvwx",
    "\x1b[32mAKIAIOSFODNN7EXAMPLE",
]
ABBREVIATED = (
    "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIE\n...\n\nNow install it with the tool."
)
ORDINARY = [
    "Bearer token-based-authentication-and-authorization, see Bearer RFC6750.",
    "class sk-toggleable__content-fitted-wrapper and sk-2024-00012 of sk-learn-compatible-api",
    "xapp-container-layout, xoxb-your-token-here, Bearer ----------------------------",
    "https://example.com。这是一个很长的句子没有任何空格或者秘密只是普通的文字。",
    "Bearer authentication is what RFC 6750 describes.",
    "Use scikit-learn (sk-learn), task-management and risk-based tests.",
    "See https://example.com:8080/a?b=c@d and mailto:me@example.com.",
    "A key starts with -----BEGIN RSA PRIVATE KEY----- and ends with -----END.",
    "AKIA, ghp_, sk-, xoxb- and AIza are prefixes.",
    "日本語のテキスト 😀 without any blank_or-mark_of_a_secret" * 3,
]
PIECES = st.sampled_from(
    [
        *SECRETS,
        *ORDINARY,
        *ESCAPED,
        ABBREVIATED,
        " ",
        "\n",
        '"',
        "x",
        "sk-",
        "Bearer ",
        "https://u:p@h/",
    ]
)


def split(text: str, cuts: list[int]) -> str:
    """Feeds the text to a redactor in pieces, split at the offsets `cuts`."""
    redactor = Redactor()
    places = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    pieces = [text[begin:end] for begin, end in pairwise(places)]
    return "".join([*map(redactor.feed, pieces), redactor.flush()])


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_replaced_and_the_surrounding_text_kept(secret: str) -> None:
    assert redact(f'Here: "{secret}", that is it.') == 'Here: "[REDACTED]", that is it.'
    assert redact(secret) == "[REDACTED]"


@pytest.mark.parametrize("text", ESCAPED)
def test_secrets_after_an_escape_sequence_are_redacted(text: str) -> None:
    assert redact(text).endswith("[REDACTED]")
    assert split(text, list(range(len(text)))) == redact(text)


def test_text_after_an_abbreviated_pem_block_is_kept() -> None:
    assert redact(ABBREVIATED) == "[REDACTED]Now install it with the tool."
    assert split(ABBREVIATED, list(range(len(ABBREVIATED)))) == redact(ABBREVIATED)


@pytest.mark.parametrize("text", ORDINARY)
def test_text_without_secrets_is_unchanged(text: str) -> None:
    assert redact(text) == text


def test_user_and_password_of_a_url_are_redacted() -> None:
    assert redact("at postgres://me:pa55@db/x") == "at postgres://[REDACTED]@db/x"
    assert redact("at https://:token@host") == "at https://[REDACTED]@host"


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_redacted_wherever_the_text_is_split(secret: str) -> None:
    text = f"Take {secret} now."
    assert split(text, list(range(len(text)))) == redact(text)
    for cut in range(len(text)):
        assert split(text, [cut]) == redact(text)


@given(st.lists(PIECES | st.text(max_size=8), max_size=6), st.lists(st.integers(0, 400)))
def test_every_split_is_redacted_like_the_unsplit_text(pieces: list[str], cuts: list[int]) -> None:
    text = "".join(pieces)
    assert split(text, cuts) == redact(text)


@given(st.lists(st.sampled_from(SECRETS), min_size=1, max_size=4), st.lists(st.integers(0, 400)))
def test_no_part_of_a_secret_is_emitted(secrets: list[str], cuts: list[int]) -> None:
    out = split(" and ".join(secrets), cuts)
    assert out == " and ".join(["[REDACTED]"] * len(secrets))


@given(st.text(st.characters(codec="utf-8"), max_size=300))
def test_the_redactor_buffer_is_bounded(text: str) -> None:
    redactor = Redactor()
    out = ""
    for letter in text:
        out += redactor.feed(letter)
    held = redactor.flush()
    assert len(held) <= 600
    words = re.split(r"\s", text)
    assert len(held) <= 2 * max(map(len, words)) + 60


def test_at_most_two_words_of_plain_text_stay_buffered() -> None:
    redactor = Redactor()
    words = [
        f"{word} "
        for word in [
            "The",
            "quick",
            "brown",
            "fox",
            "jumps",
            "over",
            "some",
            "sk-",
            "and",
            "Bearer",
            "words",
        ]
    ]
    late = 0
    for count, word in enumerate(words):
        redactor.feed(word)
        late = max(late, len(redactor._held.split()))  # noqa: SLF001 - what is under test
        assert count < len(words)
    assert late <= 2


@pytest.mark.parametrize("step", [1, 4, 1000])
def test_a_pem_key_without_line_breaks_is_not_buffered_until_its_end(step: int) -> None:
    redactor = Redactor()
    key = "-----BEGIN RSA PRIVATE KEY-----\n" + "A" * 20_000
    text = f"{key}-----END RSA PRIVATE KEY----- and more"
    emitted, held = "", 0
    for at in range(0, len(text), step):
        emitted += redactor.feed(text[at : at + step])
        held = max(held, len(redactor._held))  # noqa: SLF001 - not observable otherwise
    assert emitted + redactor.flush() == "[REDACTED] and more"
    assert held < 1000 + step


def test_a_prepared_redactor_compiles_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    redactor.prepare()
    monkeypatch.setattr(redactor, "_any_of", None)  # cannot be called
    assert redact("x AKIA0123456789ABCDEF y") == "x [REDACTED] y"
