from modegate.adapters.claude_cli.process.stderr_redaction import redact_stderr

ENVIRONMENT = {"ANTHROPIC_API_KEY": "very-own-key-value", "LANG": "C"}


def test_nothing_that_a_stranger_may_use_is_left() -> None:
    dirty = """
    Error at /home/alice/project/main.js:10:3
    ANTHROPIC_API_KEY=sk-ant-api03-abcdefgh PATH=/usr/bin
    the key very-own-key-value was sent as Bearer abc.def.ghi
    AKIAIOSFODNN7EXAMPLE ghp_0123456789abcdefghij0 xoxb-1234567890-abc
    -----BEGIN RSA PRIVATE KEY-----
    MIIEpAIBAAKCAQEA
    -----END RSA PRIVATE KEY-----
    """
    cleaned = redact_stderr(dirty, ENVIRONMENT)
    for secret in ("alice", "abcdefgh", "very-own", "abc.def", "AKIAI", "ghp_", "xoxb", "MIIE"):
        assert secret not in cleaned
    assert "Error at <path>" in cleaned


def test_ordinary_words_stay() -> None:
    assert redact_stderr("TypeError: x is not a function (1/2)", ENVIRONMENT) == (
        "TypeError: x is not a function (1/2)"
    )


def test_a_quote_is_known_wherever_it_stands_in_a_conversation() -> None:
    conversation = "p" * 1_000_000 + " the secret answer of the model"
    assert redact_stderr("failed on: the secret answer", {}, conversation) == "<conversation>"
