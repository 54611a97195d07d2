"""One test a duty: subclass a suite, give it a factory, and see whether your adapter keeps its port.

The suites need pytest and its anyio plugin, both in the extra `modegate[testing]`.
"""
