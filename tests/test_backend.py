"""Keras when it is first needed; what an owned process is given, and a host's is not."""

import os
import random
import signal

import numpy as np
import pytest

from drumlesson import backend


@pytest.fixture
def owned(monkeypatch):
    monkeypatch.setattr(backend._PROCESS, "owned", True)


def test_keras_is_keras():
    import keras

    assert backend.keras is keras
    with pytest.raises(AttributeError, match="nosuch"):
        backend.nosuch  # noqa: B018


def test_what_the_error_stream_is_told_goes_nowhere(capfd):
    with backend._silent_stderr():
        os.write(2, b"nobody reads this")
    os.write(2, b"this is read")
    assert capfd.readouterr().err == "this is read"


def test_an_interrupt_waits_in_an_owned_process(owned):
    before, done = signal.getsignal(signal.SIGINT), []
    with pytest.raises(KeyboardInterrupt):
        with backend.hold_interrupts() as held:
            assert held == []
            signal.raise_signal(signal.SIGINT)
            assert len(held) == 1
            done.append("the block")
    assert done == ["the block"] and signal.getsignal(signal.SIGINT) is before


def test_an_interrupt_does_not_wait_in_a_host():
    before = signal.getsignal(signal.SIGINT)
    with backend.hold_interrupts() as held:
        assert signal.getsignal(signal.SIGINT) is before
    assert held == []


def test_an_error_in_the_block_comes_through(owned):
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ZeroDivisionError):
        with backend.hold_interrupts():
            raise ZeroDivisionError
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("seed", [None, 3])
def test_random_numbers_go_on_where_they_were(seed):
    import keras
    import tensorflow as tf

    if seed is not None:
        keras.utils.set_random_seed(seed)

    def drawn():
        numbers = random.random(), np.random.random()  # noqa: NPY002
        return (*numbers, float(tf.random.uniform(())), float(keras.random.uniform(())))

    states = random.getstate(), np.random.get_state()  # noqa: NPY002
    expected = drawn()
    if seed is not None:
        keras.utils.set_random_seed(seed)
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002
    with pytest.raises(ZeroDivisionError):
        with backend.keep_random_state():
            keras.utils.set_random_seed(99)
            drawn()
            raise ZeroDivisionError
    now = drawn()
    assert now == expected if seed is not None else now[:2] == expected[:2]
