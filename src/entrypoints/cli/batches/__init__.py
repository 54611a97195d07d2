"""The parts of `modegate batch run`."""
