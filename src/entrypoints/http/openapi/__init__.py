"""The OpenAPI document, generated from the code that validates and renders."""
