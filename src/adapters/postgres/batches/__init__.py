"""The queue of batches for the workers of several machines."""
