"""A small server for a SavedModel, on this machine only: ``python -m helpers.lab.serve FOLDER``.

FOLDER holds versions, ``FOLDER/1/saved_model.pb``, and the highest is served. As in TensorFlow
Serving, ``POST {"inputs": {name: value}}``, with ``"signature_name"`` if not ``serving_default``,
gives ``{"outputs": value}``, or ``{"outputs": {name: value}}`` for several. A wrong question gives
4xx and ``{"error": "one line"}``. It stops at Ctrl-C, or when its standard input closes.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import tensorflow as tf
from tornado import httpserver, httputil, netutil

LIMIT = 1_000_000  # bytes of a question
WRONG = OverflowError, RecursionError, TypeError, ValueError, tf.errors.OpError


def answer(model: Any, question: bytes) -> bytes:
    """Run the signature of a loaded SavedModel that a question in JSON asks for; return JSON.

    Raises:
        One of ``WRONG``: the question does not fit the model, or its answer is not finite.
    """
    asked = json.loads(question)
    if not isinstance(asked, dict) or not isinstance(asked.get("inputs"), dict):
        raise ValueError('expected {"inputs": {name: value}}')
    name, inputs = asked.get("signature_name", "serving_default"), asked["inputs"]
    if name not in list(model.signatures):
        raise ValueError(f"no signature {name!r}, there are: {', '.join(sorted(model.signatures))}")
    specs = dict(sorted(model.signatures[name].structured_input_signature[1].items()))
    if set(inputs) != set(specs):
        raise ValueError(f"{name} takes {', '.join(specs)}, got {', '.join(inputs) or 'nothing'}")
    for key, spec in specs.items():
        inputs[key] = tf.constant(inputs[key], spec.dtype)
        if not spec.shape.is_compatible_with(inputs[key].shape):
            raise ValueError(f"{key} takes shape {spec.shape}, got {inputs[key].shape}")
    values = {key: out.numpy().tolist() for key, out in model.signatures[name](**inputs).items()}
    values = values if len(values) > 1 else next(iter(values.values()))
    return json.dumps({"outputs": values}, allow_nan=False, default=bytes.decode).encode()


async def _serve(model: Any, path: str) -> None:
    def respond(request: httputil.HTTPServerRequest) -> None:
        status, body = 404, json.dumps({"error": f"there is only POST {path}"}).encode()
        if (request.method, request.path) == ("POST", path):
            try:
                if len(request.body) > LIMIT:
                    raise ValueError(f"a question has at most {LIMIT:,} bytes")
                status, body = 200, answer(model, request.body)
            except WRONG as error:
                line = str(error).split("\n\t")[0].splitlines()[-1]
                status, body = 400, json.dumps({"error": line}).encode()
        first = httputil.ResponseStartLine("", status, httputil.responses[status])
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        request.connection.write_headers(first, httputil.HTTPHeaders(headers), body)
        request.connection.finish()

    [socket] = netutil.bind_sockets(0, "127.0.0.1")
    httpserver.HTTPServer(respond).add_socket(socket)
    with contextlib.suppress(BrokenPipeError):  # who started it has gone: the next line ends it
        print(f"http://127.0.0.1:{socket.getsockname()[1]}{path}", flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parser = argparse.ArgumentParser(description="Serve the newest version of a SavedModel.")
    parser.add_argument("folder", type=Path, help="holds versions: FOLDER/1/saved_model.pb")
    folder = parser.parse_args().folder.resolve()
    if not (versions := [int(pb.parent.name) for pb in folder.glob("[0-9]*/saved_model.pb")]):
        parser.error(f"no model in {folder}: expected {folder / '1' / 'saved_model.pb'}")
    model = tf.saved_model.load(folder / str(max(versions)))
    asyncio.run(_serve(model, f"/v1/models/{folder.name}:predict"))
    os._exit(0)  # without seconds of clearing up
