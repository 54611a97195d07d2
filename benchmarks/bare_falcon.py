"""A Falcon application that answers at once: what the framework costs before modegate adds to it."""

import sys

import falcon.asgi
import uvicorn

from benchmarks.upstream import ANSWER


class Answer:
    """Reads the request's body, and answers with the upstream's bytes."""

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """The same answer for everybody."""
        await req.stream.read()
        resp.content_type = falcon.MEDIA_JSON
        resp.data = ANSWER


app = falcon.asgi.App()
app.add_route("/v1/chat/completions", Answer())

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
