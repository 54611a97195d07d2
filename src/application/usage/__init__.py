"""What requests use and cost."""
