"""`modegate serve` with a vendor's backend in place of Claude.

pip install modegate
python serve.py
"""

from vendor import ask
from vendor_backend import VendorBackend

from modegate.entrypoints.bootstrap.container import Container
from modegate.entrypoints.bootstrap.http import build_app, build_server
from modegate.entrypoints.bootstrap.log_config import configure_logging
from modegate.entrypoints.config.sources import load_settings


def main() -> None:
    """Serves on HOST and PORT until a signal; running requests finish first."""
    settings = load_settings().settings
    configure_logging(settings.log_level, settings.log_format)
    container = Container(settings=settings)
    vendor = VendorBackend(ask)
    container.answer_backend.override(vendor)
    container.transcript_store.override(vendor)
    container.claude_status.override(vendor)
    build_server(build_app(container), container).run()


if __name__ == "__main__":
    main()
