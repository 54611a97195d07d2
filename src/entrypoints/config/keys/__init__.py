"""The tables `[keys.NAME]`: the keys of clients in the settings file."""
