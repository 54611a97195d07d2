"""Contract suites with one test for each requirement of a port.

Subclass a suite and implement its factory methods to test your adapter. The suites need pytest and
its anyio plugin, both in the extra `modegate[testing]`.
"""
