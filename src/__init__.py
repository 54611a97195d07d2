"""modegate: one OpenAI-compatible endpoint in front of the OpenAI API and the `claude` CLI."""
