"""The server below the application."""
