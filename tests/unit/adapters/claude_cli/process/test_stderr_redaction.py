from modegate.adapters.claude_cli.process.stderr_redaction import redact_stderr

ENVIRONMENT = {"ANTHROPIC_API_KEY": "very-own-key-value", "LANG": "C"}


def test_secrets_and_paths_in_stderr_are_redacted() -> None:
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


def test_stderr_without_secrets_is_unchanged() -> None:
    assert redact_stderr("TypeError: x is not a function (1/2)", ENVIRONMENT) == (
        "TypeError: x is not a function (1/2)"
    )


def test_quotes_from_anywhere_in_a_long_conversation_are_redacted() -> None:
    conversation = "p" * 1_000_000 + " the secret answer of the model"
    assert redact_stderr("failed on: the secret answer", {}, conversation) == "<conversation>"
