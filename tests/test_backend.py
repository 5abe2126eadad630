"""Keras when it is first needed; what an owned process is given, and a host's is not."""

import json
import os
import random
import signal
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from quick import QUICK

from drumlesson import DrumClassifier, backend, load

KERAS_FILE = Path(__file__).parent / "data" / "best.keras"  # as version 0.1.0 shipped it


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
        with backend._hold_interrupts() as held:
            assert held == []
            signal.raise_signal(signal.SIGINT)
            assert len(held) == 1
            done.append("the block")
    assert done == ["the block"] and signal.getsignal(signal.SIGINT) is before


def test_an_interrupt_does_not_wait_in_a_host():
    before = signal.getsignal(signal.SIGINT)
    with backend._hold_interrupts() as held:
        assert signal.getsignal(signal.SIGINT) is before
    assert held == []


def test_an_error_in_the_block_comes_through(owned):
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ZeroDivisionError):
        with backend._hold_interrupts():
            raise ZeroDivisionError
    assert signal.getsignal(signal.SIGINT) is before


def test_a_stream_that_is_missing_leads_to_nowhere(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    backend._open_streams()
    print("nobody reads this", file=sys.stderr)
    assert sys.stdout.name == sys.stderr.name == os.devnull
    sys.stdout.close()
    sys.stderr.close()


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """No home directory, no cache named, and a folder for temporary files."""
    for name in ("XDG_CACHE_HOME", "KERAS_HOME", "NUMBA_CACHE_DIR"):
        monkeypatch.setenv(name, "")  # so that what a test sets is taken back
        monkeypatch.delenv(name)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.skipif(os.name != "posix", reason="elsewhere there is always a home directory")
@pytest.mark.parametrize("squatted", [False, True])
def test_without_a_home_caches_are_private_and_temporary(temporary, monkeypatch, squatted):
    monkeypatch.setattr(os.path, "expanduser", str)  # an unknown user, and HOME is not set
    mine = temporary / f"drumlesson-{os.getuid()}"
    if squatted:
        mine.mkdir()
        mine.chmod(0o777)
    backend._find_caches()
    folder = os.environ["XDG_CACHE_HOME"]
    assert (folder == str(mine)) is not squatted
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    assert os.environ["KERAS_HOME"].startswith(folder) and "NUMBA_CACHE_DIR" not in os.environ


@pytest.mark.parametrize("closed", [False, True])
def test_numba_is_given_a_cache_where_it_would_find_none(temporary, monkeypatch, closed):
    monkeypatch.setattr(backend, "_takes_files", lambda folder: not closed)
    backend._find_caches()
    assert ("NUMBA_CACHE_DIR" in os.environ) is closed
    assert "XDG_CACHE_HOME" not in os.environ


def test_a_folder_takes_files_or_not(tmp_path):
    (tmp_path / "file").touch()
    assert backend._takes_files(tmp_path / "new" / "folder")
    assert not backend._takes_files(tmp_path / "file" / "folder")


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


# -- a host that has other plans for Keras


@pytest.mark.parametrize("policy", ["float16", "bfloat16", "mixed_float16"])
def test_networks_are_of_32_bits_whatever_the_host_has_chosen(toys, others, tmp_path, policy):
    import keras

    expected = DrumClassifier(**QUICK).fit(toys).predict_proba(others)
    before = keras.config.floatx(), keras.config.dtype_policy()
    floatx = "float16" if policy == "mixed_float16" else policy
    try:
        keras.config.set_floatx(floatx)
        keras.config.set_dtype_policy(policy)
        model = DrumClassifier(**QUICK).fit(toys)
        proba = model.predict_proba(others)
        model.save(tmp_path / "a.keras")
        again = load(tmp_path / "a.keras").predict_proba(others)
        after = keras.config.floatx(), keras.config.dtype_policy().name
    finally:
        keras.config.set_floatx(before[0])
        keras.config.set_dtype_policy(before[1])
    assert after == (floatx, policy)
    assert {weight.dtype for weight in model.network_.trainable_weights} == {"float32"}
    assert proba == pytest.approx(expected, abs=1e-5) and proba.dtype == np.float32
    assert again == pytest.approx(expected, abs=1e-5)


def test_another_engine_in_the_process_is_named_in_one_line(monkeypatch):
    import keras

    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(ImportError, match="^Keras runs on torch in this process.*KERAS_BACKEND"):
        backend.keras  # noqa: B018
    with pytest.raises(ImportError, match="Keras runs on torch"):
        load(KERAS_FILE)


OTHER_PROJECT = f"""
import json, os
from drumlesson import load, load_drums
drums = load_drums("synth", n_kits=2, hits=1, random_state=5)
proba = load({str(KERAS_FILE)!r}).predict_proba(drums)
import keras
said = [keras.backend.backend(), keras.config.floatx(), os.environ.get("KERAS_BACKEND")]
print(json.dumps([said, proba.tolist()]))
"""


def test_the_settings_of_another_project_do_no_harm(tmp_path):
    from drumlesson import load_drums

    settings = {"backend": "torch", "floatx": "float16"}
    (tmp_path / "keras.json").write_text(json.dumps(settings))
    done = subprocess.run(
        [sys.executable, "-c", OTHER_PROJECT],
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, "KERAS_HOME": str(tmp_path), "KERAS_BACKEND": "jax"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    said, proba = json.loads(done.stdout.splitlines()[-1])
    assert said == ["tensorflow", "float16", "jax"]
    expected = load(KERAS_FILE).predict_proba(load_drums("synth", n_kits=2, hits=1, random_state=5))
    assert np.array(proba) == pytest.approx(expected, abs=1e-5)
    assert json.loads((tmp_path / "keras.json").read_text()) == settings


FORKED = """
import os, threading
from drumlesson.backend import _FITTING
held, free = threading.Event(), threading.Event()

def fits():
    with _FITTING:
        held.set()
        free.wait()

thread = threading.Thread(target=fits)
thread.start()
held.wait()
pid = os.fork()
if pid == 0:
    with _FITTING:
        os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
free.set()
"""


@pytest.mark.skipif(not hasattr(os, "register_at_fork"), reason="nothing forks here")
def test_a_child_does_not_wait_for_a_fit_of_its_parent():
    command = [sys.executable, "-W", "ignore", "-c", FORKED]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr
