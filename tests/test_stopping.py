"""helpers.lab.stopping: a request to stop comes when it should, and does not end us."""

import signal

from helpers.lab.stopping import ask_in_the_middle, hear_requests

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
