"""Converts the configurations of Portkey."""
