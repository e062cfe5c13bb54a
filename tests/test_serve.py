"""The small server over real HTTP: right answers, a line of JSON for whatever else comes in."""

import http.client
import importlib
import json
import socket
import struct
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

COURSE = Path(__file__).parent.parent
GOOD = {"inputs": {"w1": [13, 4], "w2": [17, 8]}}

# Stands for TensorFlow where a test is about the process of the server and not about the model: to
# import the real one takes seconds. The model has no signatures.
NO_TENSORFLOW = """
from types import SimpleNamespace

Tensor = TensorSpec = object
errors = SimpleNamespace(OpError=OSError)
saved_model = SimpleNamespace(load=lambda folder: SimpleNamespace(signatures={}))
"""


def start(*program, folder):
    command = [sys.executable, *program, str(folder)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tf, tmp_path_factory):
    """The versions 9 and 10 of a model."""

    class Model(tf.Module):
        def __init__(self, bias):
            super().__init__()
            self.bias = tf.Variable(bias)

        @tf.function(input_signature=[tf.TensorSpec([None]), tf.TensorSpec([None])])
        def __call__(self, w1, w2):
            return {"result": (w1 + w2) * self.bias}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def parse(self, text):
            return {"number": tf.strings.to_number(text), "text": text}

    folder = tmp_path_factory.mktemp("served") / "model"
    for version, bias in [("9", 1.0), ("10", 2.0)]:
        model = Model(bias)
        signatures = {"serving_default": model.__call__, "parse": model.parse}
        tf.saved_model.save(model, str(folder / version), signatures)
    return folder


@pytest.fixture(scope="module")
def server(folder):
    with start("-m", "helpers.lab.serve", folder=folder) as process:
        try:
            address = process.stdout.readline().strip()
            assert address, process.stderr.read()
            yield urlsplit(address)
            process.stdin.close()
            assert process.wait(timeout=600) == 0
            assert process.stderr.read() == ""
        finally:
            process.kill()


@pytest.fixture
def copied(tf, tmp_path, monkeypatch):
    """The server as a module that is copied alone, whose process imports no TensorFlow."""
    source = (COURSE / "helpers" / "lab" / "serve.py").read_text(encoding="utf-8")
    assert "import helpers" not in source
    assert "from helpers" not in source
    (tmp_path / "copied_serve.py").write_text(source, encoding="utf-8")
    (tmp_path / "stand_in").mkdir()
    (tmp_path / "stand_in" / "tensorflow.py").write_text(NO_TENSORFLOW, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "stand_in"))
    monkeypatch.chdir(tmp_path)  # there the process of the server finds the copy too
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("copied_serve")
    del sys.modules["copied_serve"]


@pytest.fixture
def unread(tmp_path):
    """A folder of versions whose model nobody reads."""
    version = tmp_path / "model" / "1"
    version.mkdir(parents=True)
    (version / "saved_model.pb").touch()
    return version.parent


def ask(server, question, method="POST", path=None):
    body = question if isinstance(question, bytes) else json.dumps(question).encode()
    connection = http.client.HTTPConnection(server.hostname, server.port, timeout=600)
    try:
        connection.request(method, path or server.path, body)
        response = connection.getresponse()
        assert response.headers["Content-Type"] == "application/json"
        [line] = response.read().decode().splitlines()
        return response.status, json.loads(line)
    finally:
        connection.close()


def test_answers_with_the_highest_version_on_this_machine_only(server):
    assert server.hostname == "127.0.0.1"
    assert server.path == "/v1/models/model:predict"
    assert ask(server, GOOD) == (200, {"outputs": [60, 24]})


def test_names_the_outputs_of_another_signature_if_there_are_several(server):
    question = {"signature_name": "parse", "inputs": {"text": ["60"]}}
    assert ask(server, question) == (200, {"outputs": {"number": [60], "text": ["60"]}})


@pytest.mark.parametrize(
    ("question", "why"),
    [
        (b"", "Expecting value"),
        (b"13 + 17", "Extra data"),
        (b"\xff\xfe\xff", "codec can't decode"),
        (b"[" * 100_000, "recursion"),
        (b"x" * 10_000_000, "at most 1,000,000 bytes"),
        ([13, 17], "expected"),
        ({"inputs": [13, 17]}, "expected"),
        ({**GOOD, "signature_name": "serve"}, "there are: parse, serving_default"),
        ({**GOOD, "signature_name": ["parse"]}, "no signature"),
        ({"inputs": {}}, "takes w1, w2, got nothing"),
        ({"inputs": {"w1": [1], "w3": [1]}}, "takes w1, w2, got w1, w3"),
        ({"inputs": {"w1": 13, "w2": 17}}, "w1 takes shape (None,), got ()"),
        ({"inputs": {"w1": [[13]], "w2": [[17]]}}, "w1 takes shape (None,), got (1, 1)"),
        ({"inputs": {"w1": [[1], [1, 2]], "w2": [1]}}, "non-rectangular"),
        ({"inputs": {"w1": ["13"], "w2": [17]}}, "Cannot convert"),
        ({"inputs": {"w1": [None], "w2": [17]}}, "NoneType"),
        ({"inputs": {"w1": [10**400], "w2": [17]}}, "out-of-range"),
        ({"inputs": {"w1": [1e39], "w2": [17]}}, "not JSON compliant"),
        ({"inputs": {"w1": [1, 2, 3], "w2": [1, 2]}}, "Incompatible shapes"),
        ({"signature_name": "parse", "inputs": {"text": ["six"]}}, "could not correctly convert"),
    ],
)
def test_says_in_one_line_what_is_wrong_and_goes_on(server, question, why):
    status, reply = ask(server, question)
    assert status == 400
    assert list(reply) == ["error"]
    assert why in reply["error"]
    assert ask(server, GOOD) == (200, {"outputs": [60, 24]})


def test_ends_without_a_word_if_nobody_waits_for_it_any_more(copied, unread):
    with start("-m", "copied_serve", folder=unread) as process:
        process.stdin.close()
        process.stdout.close()
        assert process.wait(timeout=600) == 0
        assert process.stderr.read() == ""


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/"), ("POST", "/v1/models"), ("GET", None), ("PUT", None), ("BREW", None)],
)
def test_knows_one_path_and_one_method(server, method, path):
    status, reply = ask(server, GOOD, method, path)
    assert (status, reply) == (404, {"error": f"there is only POST {server.path}"})
    assert ask(server, GOOD)[0] == 200


def speak(server, said):
    """Send some bytes, and return all that comes back."""
    with socket.create_connection((server.hostname, server.port), timeout=600) as connection:
        connection.sendall(said)
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as replies:
            return replies.read()


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"POST {path} HTTP/1.1\r\nContent-Length: many\r\n\r\n", "a number of bytes, got 'many'"),
        (b"POST {path} HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "a number of bytes, got '-1'"),
        (b"POST {path} HTTP/1.1\r\nContent-Length: 100\r\n\r\n{", "Expecting property name"),
        (b"POST {path} HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n{", "at most 1,000,000"),
        (b"POST {path} HTTP/1.1\r\n\r\n", "Expecting value"),
    ],
)
def test_a_question_of_another_length_than_it_says_gets_a_line_of_json_too(server, said, why):
    head, body = speak(server, said.replace(b"{path}", server.path.encode())).split(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 400 ")
    assert list(json.loads(body)) == ["error"]
    assert why in json.loads(body)["error"]
    assert ask(server, GOOD)[0] == 200


@pytest.mark.parametrize("said", [b"13 + 17\r\n\r\n", b"POST /\r\n\r\n", b"x" * 60_000])
def test_what_is_not_http_gets_a_line_of_json_too(server, said):
    *_, line = speak(server, said).splitlines()
    assert list(json.loads(line)) == ["error"]
    assert ask(server, GOOD)[0] == 200


def test_bears_that_whoever_asks_goes_away(server):
    for said in [b"", b"POST", f"POST {server.path} HTTP/1.1\r\nContent-Length: 9".encode()]:
        socket.create_connection((server.hostname, server.port), timeout=600).close()
        with socket.create_connection((server.hostname, server.port), timeout=600) as connection:
            connection.sendall(said)
            # A reset, as by a program that was killed, in place of a friendly end.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert ask(server, GOOD)[0] == 200


def test_a_question_for_the_head_alone_gets_no_body(server):
    said = speak(server, f"HEAD {server.path} HTTP/1.1\r\n\r\n".encode())
    assert said.startswith(b"HTTP/1.0 404 ")
    assert said.endswith(b"\r\n\r\n")


def test_ask_returns_the_status_and_the_reply(module, server):
    serve = module("helpers.lab.serve")
    assert serve.ask(server.geturl(), GOOD) == (200, {"outputs": [60, 24]})
    assert serve.ask(server.geturl(), {}) == (400, {"error": 'expected {"inputs": {name: value}}'})


def test_serving_works_when_it_is_copied_alone_and_ends_the_server_with_its_block(copied, unread):
    with pytest.raises(KeyError), copied.serving(unread) as address:
        assert address.startswith("http://127.0.0.1:")
        assert address.endswith("/v1/models/model:predict")
        nothing = {"error": "no signature 'serving_default', there are: "}
        assert copied.ask(address, GOOD) == (400, nothing)
        raise KeyError
    with pytest.raises(ConnectionError):
        copied.ask(address, GOOD)


def test_serving_says_why_the_server_did_not_start(copied, tmp_path):
    with (
        pytest.raises(RuntimeError, match=r"did not start: .*no model in .*/nothing: expected"),
        copied.serving(tmp_path / "nothing"),
    ):
        raise AssertionError
