"""For tests of modegate and of what is built on it: fakes, stand-ins, and contract suites."""
