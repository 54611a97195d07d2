"""A Falcon application with a fixed answer, to measure the cost of the framework alone."""

import sys

import falcon.asgi
import uvicorn

from benchmarks.upstream import ANSWER


class Answer:
    """Reads the request body and answers with the upstream's fixed answer."""

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answers one request."""
        await req.stream.read()
        resp.content_type = falcon.MEDIA_JSON
        resp.data = ANSWER


app = falcon.asgi.App()
app.add_route("/v1/chat/completions", Answer())

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
