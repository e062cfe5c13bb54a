"""A learner, as the hub sees one: a server, the course pulled, a notebook run cell by cell.

Everything goes through the proxy by HTTP and websockets, as from a browser.
"""

import asyncio
import json
import uuid
from typing import Any

from tests.hub.server import Hub, HubError

from tornado import httpclient, websocket
from tornado.httputil import url_concat

TIMEOUT = 900  # seconds, for each request and each cell
SECONDS_BETWEEN_QUESTIONS = 0.5


class Learner:
    """Someone with an account at the hub."""

    def __init__(self, hub: Hub, name: str) -> None:
        """Take the hub and the learner's name there."""
        self.name = name
        self._hub = hub
        self._headers = {"Authorization": f"token {hub.token}"}
        self._client = httpclient.AsyncHTTPClient(max_clients=100)

    async def start(self) -> None:
        """Make the account, start the learner's server, and wait until it answers."""
        account = f"hub/api/users/{self.name}"
        await self._ask("POST", account)
        await self._ask("POST", f"{account}/server")
        while True:
            servers = (await self._ask("GET", account))["servers"]
            if "" in servers and servers[""]["ready"]:
                return
            if "" not in servers or servers[""]["pending"] is None:
                raise HubError(f"{self.name}: the server did not start")
            await asyncio.sleep(SECONDS_BETWEEN_QUESTIONS)

    async def stop(self) -> None:
        """End the learner's server, and with it the kernels."""
        await self._ask("DELETE", f"hub/api/users/{self.name}/server")

    async def pull(self, repository: str, folder: str) -> None:
        """Let nbgitpuller bring a repository, as the link for the class does."""
        query = {"repo": repository, "targetpath": folder, "branch": "main"}
        events = await self._ask("GET", url_concat(f"user/{self.name}/git-pull/api", query))
        last = json.loads(events.strip().splitlines()[-1].removeprefix("data: "))
        if last["phase"] != "finished":
            raise HubError(f"{self.name}: git-pull: {last['message']}")

    async def read(self, path: str) -> dict[str, Any]:
        """Return a notebook in the learner's home."""
        return (await self._ask("GET", f"user/{self.name}/api/contents/{path}"))["content"]

    async def write(self, path: str, notebook: dict[str, Any]) -> None:
        """Save a notebook in the learner's home."""
        body = {"type": "notebook", "format": "json", "content": notebook}
        await self._ask("PUT", f"user/{self.name}/api/contents/{path}", body)

    async def run(self, path: str) -> tuple[str, list[str]]:
        """Run a notebook in a new kernel from top to bottom, and end the kernel.

        Returns:
            What it printed, and the errors of its cells.
        """
        notebook = await self.read(path)
        kernel = {"name": "python3"}
        session = {"path": path, "type": "notebook", "name": path, "kernel": kernel}
        started = await self._ask("POST", f"user/{self.name}/api/sessions", session)
        try:
            return await self._run_cells(notebook, started["kernel"]["id"])
        finally:
            await self._ask("DELETE", f"user/{self.name}/api/sessions/{started['id']}")

    async def _run_cells(self, notebook: dict[str, Any], kernel: str) -> tuple[str, list[str]]:
        path = f"user/{self.name}/api/kernels/{kernel}/channels"
        address = f"{self._hub.address.replace('http', 'ws', 1)}/{path}"
        request = httpclient.HTTPRequest(address, headers=self._headers)
        channel = await websocket.websocket_connect(request, max_message_size=2**30)
        printed = []
        errors = []
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                texts, failures = await execute(channel, cell["source"])
                printed += texts
                errors += failures
        channel.close()
        return "".join(printed), errors

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Send a request, and return what came back: decoded, if it is JSON."""
        request = httpclient.HTTPRequest(
            f"{self._hub.address}/{path}",
            method,
            headers=self._headers,
            body=None if body is None else json.dumps(body),
            allow_nonstandard_methods=True,
            request_timeout=TIMEOUT,
        )
        try:
            response = await self._client.fetch(request)
        except httpclient.HTTPClientError as error:
            raise HubError(f"{self.name}: {method} {path.split('?')[0]}: {error}") from None
        text = response.body.decode("utf-8")
        is_json = response.headers.get("Content-Type", "").startswith("application/json")
        return json.loads(text) if is_json and text else text


async def execute(
    channel: websocket.WebSocketClientConnection, source: str
) -> tuple[list[str], list[str]]:
    """Run one cell.

    Returns:
        The texts that it printed, and its errors.

    Raises:
        HubError: the kernel died, or was silent for too long.
    """
    name = uuid.uuid4().hex
    await channel.write_message(json.dumps(execute_request(name, source)))
    texts = []
    errors = []
    awaited = {"execute_reply", "idle"}
    while awaited:
        try:
            received = await asyncio.wait_for(channel.read_message(), TIMEOUT)
        except TimeoutError:
            raise HubError(f"no word from the kernel for {TIMEOUT} seconds") from None
        if received is None:
            raise HubError("the connection to the kernel was closed")
        message = json.loads(received)
        content = message["content"]
        if content.get("execution_state") in {"restarting", "dead"}:
            raise HubError("the kernel died")
        if message["parent_header"].get("msg_id") != name:
            continue
        kind = message["msg_type"]
        if kind == "stream" and content["name"] == "stdout":
            texts.append(content["text"])
        if kind == "error":
            errors.append(f"{content['ename']}: {content['evalue']}")
        awaited.discard(content.get("execution_state", kind))
    return texts, errors


def execute_request(name: str, source: str) -> dict[str, Any]:
    """Return the message that asks a kernel to run a cell, under a name for its answers."""
    header = {"msg_id": name, "msg_type": "execute_request", "session": name, "version": "5.3"}
    return {
        "header": {**header, "username": "", "date": ""},
        "parent_header": {},
        "metadata": {},
        "content": {"code": source, "allow_stdin": False, "stop_on_error": False},
        "channel": "shell",
        "buffers": [],
    }
