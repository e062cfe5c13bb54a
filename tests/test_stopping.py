"""helpers.lab.stopping: a request to stop comes when it should, and does not end us."""

import signal

from helpers.lab.stopping import ask_in_the_middle, find_fault, hear_requests, steps_of

import pytest


def test_a_request_that_nobody_handles_is_noted_and_ends_nothing():
    with hear_requests() as unheard:
        assert not unheard.have_come
        assert list(ask_in_the_middle("abc", 1)) == ["a", "b", "c"]
        assert unheard.have_come


def test_the_request_comes_while_its_item_is_fetched():
    with hear_requests() as unheard:
        items = ask_in_the_middle("abc", 1)
        assert next(items) == "a"
        assert not unheard.have_come
        assert next(items) == "b"
        assert unheard.have_come


def test_a_request_that_somebody_handles_is_not_unheard():
    heard = []
    with hear_requests() as unheard:
        signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
        list(ask_in_the_middle("abc", 2))
        assert not unheard.is_handler()
    assert heard == [signal.SIGTERM]
    assert not unheard.have_come


def test_a_handler_that_was_brought_back_is_known():
    with hear_requests() as unheard:
        before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
        assert not unheard.is_handler()
        signal.signal(signal.SIGTERM, before)
        assert unheard.is_handler()


def test_the_handler_from_before_is_back_after_an_error_too():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyError), hear_requests():
        raise KeyError
    assert signal.getsignal(signal.SIGTERM) == before


def test_only_lines_of_steps_count():
    assert steps_of(["step 12 loss 0.5", "saved ckpt-12", "step 13 loss nan"]) == [12, 13]
    assert steps_of([]) == []


class Adder:
    """Adds numbers as the exercise asks for, except for one fault."""

    def __init__(self, fault=""):
        self.fault = fault
        self.has_come = False
        self.memory = 0

    def note(self, number, frame):
        self.has_come = True

    def __call__(self, numbers, folder):
        self.has_come = False
        file = folder / "total"
        total = int(file.read_text(encoding="utf-8")) if file.exists() else 0
        if self.fault == "global":
            total = self.memory
        before = signal.getsignal(signal.SIGTERM)
        if self.fault != "deaf":
            signal.signal(signal.SIGTERM, self.note)
        for number in numbers:
            if self.has_come and self.fault == "loses":
                break
            total += number
            if self.has_come and self.fault != "goes on":
                break
        if self.fault != "saves nothing":
            file.write_text(str(total), encoding="utf-8")
        if self.fault != "keeps the handler":
            signal.signal(signal.SIGTERM, before)
        self.memory = total
        return 190 if self.fault == "constant" else total


@pytest.fixture
def folders(tmp_path):
    folders = [tmp_path / "one", tmp_path / "other"]
    for folder in folders:
        folder.mkdir()
    return folders


def test_an_adder_that_stops_when_asked_has_no_fault(folders):
    assert find_fault(Adder(), *folders) is None


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("deaf", "nobody heard it"),
        ("keeps the handler", "old handler"),
        ("goes on", "0 of 20 numbers were left"),
        ("loses", "after the request it returned 21"),
        ("constant", "after the request it returned 190"),
        ("saves nothing", "it returned 162"),
        ("global", "in a new folder it returned 193"),
    ],
)
def test_each_fault_of_an_adder_is_told(fault, told, folders):
    assert told in find_fault(Adder(fault), *folders)


def test_an_adder_that_does_nothing_ends_nothing(folders):
    before = signal.getsignal(signal.SIGTERM)
    assert "20 of 20 numbers" in find_fault(lambda numbers, folder: 0, *folders)
    with pytest.raises(TypeError):
        find_fault(lambda numbers, folder: None, *folders)
    assert signal.getsignal(signal.SIGTERM) == before
