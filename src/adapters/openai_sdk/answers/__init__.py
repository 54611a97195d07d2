"""Classifies and converts upstream answers by their bytes. The only I/O is reading the body."""
