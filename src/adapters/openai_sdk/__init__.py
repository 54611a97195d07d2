"""The upstream: OpenAI's API, or any that is compatible with it."""
