"""A small server for a SavedModel, on this machine only: ``python -m helpers.lab.serve FOLDER``.

Needs TensorFlow. Copied alone beside another program, it starts with ``python serve.py FOLDER``.

FOLDER holds versions, ``FOLDER/1/saved_model.pb``, and the highest is served. As in TensorFlow
Serving, ``POST {"inputs": {name: value}}``, with ``"signature_name"`` if not ``serving_default``,
gives ``{"outputs": value}``, or ``{"outputs": {name: value}}`` for several. A wrong question gives
4xx and ``{"error": "one line"}``. It stops at Ctrl-C, or when its standard input closes.

From Python, ``with serving(FOLDER) as address:`` starts it in a process of its own, and ``ask``
asks it.
"""

import argparse
import contextlib
import http
import http.client
import http.server
import json
import os
import signal
import socketserver
import subprocess
import sys
import tempfile
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf

LIMIT = 1_000_000  # bytes of a question
TIMEOUT = 600  # seconds, after which a question that does not go on is given up
WRONG = OverflowError, RecursionError, TypeError, ValueError, tf.errors.OpError


@contextlib.contextmanager
def serving(folder: Path | str) -> Iterator[str]:
    """Serve a folder of versions from another process, until the body ends; yield the address.

    Raises:
        RuntimeError: the server did not start; the message is its last line.

    Example:
        with serving("models/digits") as address:  # the newest model in models/digits/1, 2, …
            print(address)
    """
    command = [sys.executable, "-m", __name__, str(folder)]
    pipe = subprocess.PIPE
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        with subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=log, encoding="utf-8"
        ) as server:
            assert server.stdout
            address = server.stdout.readline().strip()
            if address:
                yield address
        if not address:
            log.seek(0)
            last = (log.read().splitlines() or ["it printed nothing"])[-1]
            raise RuntimeError(f"the server did not start: {last}")


def ask(address: str, question: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Post a question to a server as JSON; return the status and the reply.

    Args:
        address: a URL, as ``serving`` yields it.
        question: ``{"inputs": {name: value}}``, where lists take the place of arrays.

    Raises:
        ConnectionError: nobody listens there.
    """
    url = urllib.parse.urlsplit(address)
    assert url.hostname
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=TIMEOUT)
    with contextlib.closing(connection):
        connection.request("POST", url.path, json.dumps(question))
        response = connection.getresponse()
        return response.status, json.loads(response.read())


def answer(model: Any, question: bytes) -> str:
    """Run the signature of a loaded SavedModel that a question in JSON asks for; return JSON.

    Raises:
        One of ``WRONG``: the question does not fit the model, or its answer is not finite.
    """
    asked = json.loads(question)
    if not isinstance(asked, dict) or not isinstance(asked.get("inputs"), dict):
        raise ValueError('expected {"inputs": {name: value}}')
    name = asked.get("signature_name", "serving_default")
    if name not in list(model.signatures):
        raise ValueError(f"no signature {name!r}, there are: {', '.join(sorted(model.signatures))}")
    signature = model.signatures[name]

    _, specs = signature.structured_input_signature
    given = asked["inputs"]
    if set(given) != set(specs):
        taken = ", ".join(sorted(specs))
        got = ", ".join(given) or "nothing"
        raise ValueError(f"{name} takes {taken}, got {got}")
    inputs = {key: _tensor(key, given[key], specs[key]) for key in sorted(specs)}

    outputs = {key: output.numpy().tolist() for key, output in signature(**inputs).items()}
    if len(outputs) == 1:
        [outputs] = outputs.values()
    return json.dumps({"outputs": outputs}, allow_nan=False, default=bytes.decode)


def _tensor(name: str, value: Any, spec: tf.TensorSpec) -> tf.Tensor:
    tensor = tf.constant(value, spec.dtype)
    if not spec.shape.is_compatible_with(tensor.shape):
        raise ValueError(f"{name} takes shape {spec.shape}, got {tensor.shape}")
    return tensor


def _reason(error: Exception) -> str:
    """Say in one line what is wrong: TensorFlow writes it last, but for an indented appendix."""
    lines = str(error).split("\n\t")[0].splitlines()
    return lines[-1] if lines else type(error).__name__


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers one question. Whatever else comes in gets a line of JSON too."""

    server: "Server"
    timeout = TIMEOUT

    def do_POST(self) -> None:
        """Answer a question."""
        self._respond()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse another method, or what is not HTTP: the base class calls this for both."""
        if code == http.HTTPStatus.NOT_IMPLEMENTED:
            self._respond()
        else:
            self._refuse(400, message or self.responses[code][0])

    def log_message(self, *_: object) -> None:
        """Print nothing: what is printed is the address alone."""

    def _respond(self) -> None:
        try:
            question = self._read_question()
            if self.command != "POST" or self.path != self.server.path:
                self._refuse(404, f"there is only POST {self.server.path}")
            else:
                self._reply(200, answer(self.server.model, question))
        except WRONG as error:
            self._refuse(400, _reason(error))

    def _read_question(self) -> bytes:
        """Read to the end, even what is too long: until then nobody listens to an answer."""
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal():
            raise ValueError(f"Content-Length takes a number of bytes, got {length!r}")
        left = int(length)
        if left <= LIMIT:
            return self.rfile.read(left)
        while left > 0:
            part = self.rfile.read(min(left, LIMIT))
            if not part:  # whoever asks has gone
                break
            left -= len(part)
        raise ValueError(f"a question has at most {LIMIT:,} bytes")

    def _refuse(self, status: int, reason: str) -> None:
        self._reply(status, json.dumps({"error": reason}))

    def _reply(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class Server(http.server.ThreadingHTTPServer):
    """Serves one model under one path, on a free port of this machine."""

    def __init__(self, model: Any, path: str) -> None:
        """Begin to listen; ``serve_forever`` answers."""
        super().__init__(("127.0.0.1", 0), Handler)
        self.model = model
        self.path = path

    def server_bind(self) -> None:
        """Take the port, but do not ask for this machine's name, which may take seconds."""
        socketserver.TCPServer.server_bind(self)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report a fault of the server's own, not that whoever asked has gone."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def main() -> None:
    """Serve until standard input closes."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parser = argparse.ArgumentParser(description="Serve the newest version of a SavedModel.")
    parser.add_argument("folder", type=Path, help="holds versions: FOLDER/1/saved_model.pb")
    folder = parser.parse_args().folder.resolve()
    versions = [int(file.parent.name) for file in folder.glob("[0-9]*/saved_model.pb")]
    if not versions:
        expected = (folder / "1" / "saved_model.pb").as_posix()
        parser.error(f"no model in {folder.as_posix()}: expected {expected}")
    model = tf.saved_model.load(folder / str(max(versions)))
    server = Server(model, f"/v1/models/{folder.name}:predict")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with contextlib.suppress(BrokenPipeError):  # whoever started it has gone: the next line ends it
        print(f"http://127.0.0.1:{server.server_address[1]}{server.path}", flush=True)
    sys.stdin.read()
    os._exit(0)  # without seconds of clearing up


if __name__ == "__main__":
    main()
