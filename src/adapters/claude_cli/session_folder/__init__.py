"""The folder of a session: its lock, its transcripts, and the space that a turn needs."""
