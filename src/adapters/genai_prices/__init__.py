"""The prices in the library genai-prices."""
