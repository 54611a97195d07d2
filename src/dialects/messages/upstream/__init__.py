"""Anthropic's Messages API as the API of an upstream: requests to it, and answers back."""
