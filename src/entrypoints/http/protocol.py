"""HTTP/1.1 on the wire, where the server's own words need OpenAI's form."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from modegate.domain.errors import InvalidRequestError
from modegate.entrypoints.http.errors import INVALID, error_object


class GatewayProtocol(HttpToolsProtocol):
    """Answers what is not HTTP at all with an error object, like everything else."""

    def send_400_response(self, msg: str) -> None:
        """Refuse, and close the connection: nobody knows where the next request begins."""
        body = error_object(f"{msg} Send HTTP/1.1.", INVALID, InvalidRequestError.code)
        self.transport.write(
            b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n"
            b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (len(body), body)
        )
        self.transport.close()
