"""Wire formats: pure codecs between JSON and the domain."""
