"""Transcripts as objects: files of a folder that gateways share, or of an object store."""
