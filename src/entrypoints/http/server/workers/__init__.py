"""Orders that all workers carry out, or none."""
