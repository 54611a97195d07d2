"""The HTTP server that runs the application."""
