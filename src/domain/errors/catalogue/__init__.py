"""The catalogue: one function for each error that modegate raises, by area."""
