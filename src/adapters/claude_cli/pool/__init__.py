"""Idle and prewarmed processes, and the slots that bound concurrent turns."""
