"""The usage that answers of the OpenAI API report."""
