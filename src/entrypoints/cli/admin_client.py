"""Sends requests to the admin API of a running gateway."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from modegate.entrypoints.cli.admin_options import KEY_VARIABLE, AdminOptions
from modegate.entrypoints.cli.printable import one_line, strip_control_characters

# A probe of Claude Code waits for a turn.
TIMEOUT_S = 330.0


class AdminError(Exception):
    """The gateway did not do it; the message says what to do, in one line but for a reload."""


class AdminClient:
    """Calls the admin API, with this shell's proxies; without them for loopback."""

    def __init__(self, options: AdminOptions) -> None:
        self._options = options
        proxies = [urllib.request.ProxyHandler({})] if options.on_this_machine else []
        self._opener = urllib.request.build_opener(*proxies)

    def list(self, path: str) -> list[dict[str, Any]]:
        """Returns the objects of a list.

        Raises:
            AdminError: if the gateway does not answer with a list.
        """
        listed = self.call("GET", path).get("data")
        if not isinstance(listed, list):
            raise self._is_no_gateway()
        return listed

    def usage(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """Returns the answer of `GET /admin/usage`.

        Raises:
            AdminError: if the gateway does not answer with a list.
        """
        answer = self.call("GET", f"/admin/usage?{urlencode(parameters)}")
        if not isinstance(answer.get("data"), list):
            raise self._is_no_gateway()
        return answer

    def reload(self) -> dict[str, Any]:
        """Reloads the configuration, and returns what has changed.

        Raises:
            AdminError: if the gateway did not do it; with one line per fault.
        """
        return self.call("POST", "/admin/reload")

    def call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Sends a request, and returns the object of the answer.

        Raises:
            AdminError: if the gateway did not do it.
        """
        request = urllib.request.Request(  # noqa: S310 - http or https, checked before
            self._options.url + path,
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={
                "Authorization": f"Bearer {self._options.key}",
                "Content-Type": "application/json",
            },
        )
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as response:
                return self._parse(response.read())
        except urllib.error.HTTPError as error:
            raise self._refused(error) from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise AdminError(
                f"no answer from {self._options.url} ({one_line(str(reason))}): is the gateway "
                "running there?"
            ) from None

    def _refused(self, error: urllib.error.HTTPError) -> AdminError:
        told = self._parse(error.read()).get("error")
        code = told.get("code") if isinstance(told, dict) else None
        message = told.get("message") if isinstance(told, dict) else None
        if error.code == HTTPStatus.NOT_FOUND and code == "not_found":
            return AdminError(
                f"the gateway at {self._options.url} has no admin API: start it with {KEY_VARIABLE}"
            )
        if error.code == HTTPStatus.UNAUTHORIZED:
            return AdminError(f"the gateway rejected the key: set {KEY_VARIABLE} to the gateway's")
        if not isinstance(message, str):
            return self._is_no_gateway()
        lines = (one_line(strip_control_characters(line)) for line in message.splitlines())
        return AdminError("\n".join(lines))

    def _parse(self, body: bytes) -> dict[str, Any]:
        try:
            parsed = json.loads(body)
        except ValueError:
            parsed = None
        if not isinstance(parsed, dict):
            raise self._is_no_gateway()
        return parsed

    def _is_no_gateway(self) -> AdminError:
        return AdminError(f"what answers at {self._options.url} is not modegate: check the address")
