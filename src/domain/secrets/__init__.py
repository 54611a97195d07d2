"""What credentials look like, and their redaction."""
