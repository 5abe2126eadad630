"""Sounds, folders and sets of drums that several tests need, all made up on the spot."""

import importlib
import itertools
import os
import shutil
import signal
import sys
from pathlib import Path
from pkgutil import resolve_name

import kernels
import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, settings

from drumlesson import backend

NBS = Path(__file__).resolve().parent.parent / "nbs"

# The same examples on every run; `pytest --hypothesis-profile=long` looks further.
settings.register_profile("short", deadline=None, derandomize=True, database=None, max_examples=60)
settings.register_profile(
    "long", deadline=None, database=None, max_examples=2000, suppress_health_check=list(HealthCheck)
)
settings.load_profile("short")


def pytest_configure(config):
    """Leaves out a warning of Keras, has librosa compiled, and gives kernels a quick start.

    librosa compiles at its first import and keeps the result, which two workers at once can spoil.
    """
    config.addinivalue_line("filterwarnings", "ignore:__array__ implementation:DeprecationWarning")
    is_worker = hasattr(config, "workerinput")
    if not is_worker:
        importlib.import_module("librosa.util.utils")
    if sys.platform == "linux":
        kernels.lend_forks()


def noise_hit(seconds=0.3, sr=22050, random_state=0):
    """Decaying noise, float32: a sound that any reader takes."""
    n = int(seconds * sr)
    noise = np.random.default_rng(random_state).standard_normal(n)
    decay = np.exp(-np.arange(n) / (0.05 * sr))
    return np.clip(0.4 * noise * decay, -1, 1).astype(np.float32)


def write_sound(path, x=None, sr=22050, **kw):
    """Writes a sound file, folders included; a hit of noise unless `x` is given."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if x is None:
        x = noise_hit(sr=sr, random_state=len(path.name))
    soundfile.write(path, x, sr, **kw)
    return path


def files_below(folder):
    """Every file below a folder, hidden and temporary ones too."""
    files = [path for path in Path(folder).rglob("*") if path.is_file()]
    return sorted(path.relative_to(folder).as_posix() for path in files)


def interrupted_amid(monkeypatch, address):
    """Has an interrupt come as that function begins; the list holds each call that came to its end.

    Keras, TensorFlow and h5py each lose a KeyboardInterrupt here and there.
    """
    original, ended = resolve_name(address), []

    def interrupted(*args, **more):
        signal.raise_signal(signal.SIGINT)
        result = original(*args, **more)
        ended.append(address)
        return result

    monkeypatch.setattr(backend._PROCESS, "owned", True)
    monkeypatch.setattr(address, interrupted)
    return ended


@pytest.fixture
def same_folder():
    """A test leaves the current folder as it was, or those after it look in another one."""
    before = Path.cwd()
    yield
    assert Path.cwd() == before, "the test has left for another folder: use monkeypatch.chdir"


@pytest.fixture(autouse=True)
def a_guest(same_folder, monkeypatch):
    """Each test starts as a guest of its process, whatever a command run before it arranged."""
    monkeypatch.setattr(backend._PROCESS, "owned", False)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of the test's own, and no recorded kit to be had."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("DRUMLESSON_CACHE", str(folder))
    monkeypatch.setenv("DRUMLESSON_MIRROR", "off")
    return folder


@pytest.fixture
def eagerly():
    """TensorFlow runs each step as it is written, without a graph of it: numbers stay the same.

    The graph takes most of a fit of two epochs. This is for tests of what surrounds a network:
    families, tasks and augmentations have tests that learn with a graph, as learners do.
    """
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="session")
def timed(request):
    """Whether times are taken; `make test` only runs each benchmark once, on less."""
    return not request.config.getoption("benchmark_disable")


@pytest.fixture(scope="session")
def toys():
    """A few synthesised kits, to train on."""
    from drumlesson.drums import load_drums

    return load_drums("synth", n_kits=8, hits=2, random_state=1)


@pytest.fixture(scope="session")
def others():
    """Other synthesised kits, to predict."""
    from drumlesson.drums import load_drums

    return load_drums("synth", n_kits=3, hits=1, random_state=2)


@pytest.fixture(scope="session")
def model(toys):
    """A classifier trained for a few epochs."""
    from drumlesson import DrumClassifier

    return DrumClassifier(epochs=8, verbose=0, random_state=3).fit(toys)


@pytest.fixture(scope="session")
def model_file(model, tmp_path_factory):
    """The same classifier, saved."""
    path = tmp_path_factory.mktemp("model") / "toys.keras"
    model.save(path)
    return path


@pytest.fixture
def folder(tmp_path):
    """A folder of labelled sounds: two kits of three classes, four hits each."""
    for kit in ("garage", "loft"):
        for label in ("kick", "snare", "hihat"):
            for i in range(4):
                hit = noise_hit(random_state=hash_of(kit, label, i))
                write_sound(tmp_path / "drums" / kit / label / f"{i}.wav", hit)
    return tmp_path / "drums"


def hash_of(*parts):
    """The same small number for the same text, in every run."""
    return sum(ord(c) * 31**i for i, c in enumerate(repr(parts))) % 2**32


def toy_groove(random_state, seconds=4.0):
    """One drum after another, any of the six, at a steady pace."""
    from drumlesson.groove import DRUMS
    from drumlesson.midi import Groove

    rng = np.random.default_rng(random_state)
    times = np.arange(0.1, seconds - 0.2, rng.uniform(0.1, 0.2))
    labels = rng.choice(DRUMS, len(times), p=(0.25, 0.2, 0.25, 0.1, 0.15, 0.05))
    return Groove(times, labels, rng.integers(60, 127, len(times)), duration=seconds)


@pytest.fixture(scope="session")
def toy_kits():
    """A few synthesised kits, to be played."""
    from drumlesson.drums import load_drums
    from drumlesson.rendering import drum_kits

    return drum_kits(load_drums("synth", n_kits=4, hits=1, random_state=1))


def toy_renderings(kits, n, random_state):
    """So many short renderings, dry."""
    from drumlesson.rendering import renderings

    grooves = [toy_groove(i) for i in range(40)]
    dry = renderings(grooves, kits, 4.0, random_state, effects=None, strip=None)
    return list(itertools.islice(dry, n))


def _toy_transcriber(kits):
    """A small network that learned from sixty renderings, as the content of a file."""
    from drumlesson.backend import keras
    from drumlesson.groove import (
        FrameNetwork,
        Pictures,
        export_transcriber,
        fit_frames,
        frame_model,
    )

    keras.utils.set_random_seed(0)  # weights to begin with: else each session has another toy
    network = FrameNetwork(filters=(4, 8, 8), width=16, dilations=(1, 2))
    model = frame_model(network, frames=64)
    pictures = Pictures(toy_renderings(kits, 60, 0))
    settings = {"size": 8, "frames": 64, "learning_rate": 1e-2, "verbose": False}
    fit_frames(model, pictures, 200, **settings)
    return export_transcriber(network, model, 0.3, {"about": "a toy"})


@pytest.fixture(scope="session")
def transcriber_file(toy_kits, tmp_path_factory):
    """A small transcriber in a file; where tests run side by side, one makes it for all."""
    from filelock import FileLock

    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    path = folder / "toy_transcriber.onnx"
    with FileLock(f"{path}.lock"):
        if not path.exists():
            path.write_bytes(_toy_transcriber(toy_kits))
    return path


@pytest.fixture(scope="session")
def transcriber(transcriber_file):
    """The same, opened."""
    from drumlesson.transcribing import load_transcriber

    return load_transcriber(transcriber_file)


@pytest.fixture(scope="session")
def beat(toy_kits):
    """Eight seconds of drums that the small transcriber did not learn from."""
    from drumlesson.rendering import render

    return render(toy_groove(1000, 8.0), toy_kits[0], toy_kits, 5, effects=None, strip=None)


@pytest.fixture(scope="session")
def open_kits():
    """The recorded kits, read through the environment's own cache; skips where there are none."""
    from drumlesson.datasets import mirror, read_open
    from drumlesson.folders import SourceError

    if not Path(mirror()).expanduser().is_dir():
        pytest.skip("no recorded kits in a mirror folder")
    try:
        return read_open()
    except SourceError as e:
        pytest.skip(f"no recorded kits: {e}")


# -- a browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Chromium, for all tests of a module."""
    from browsing import start

    found = start(tmp_path_factory.mktemp("profile"))
    yield found
    found.quit()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Where the pages are served, each made when first asked for."""
    import pages
    from browsing import served

    from drumlesson.dev.page import build

    folder = tmp_path_factory.mktemp("pages")
    shutil.copytree(pages.NBS / "site", folder / "site")
    build(pages.TOP, folder)
    (folder / "site" / "answers.json").write_text(pages.answers(), encoding="utf-8")
    with served(folder) as root:

        def made(name):
            path = pages.NBS / f"{name}.ipynb"
            page = folder / pages.output_name(path)
            if not page.is_file():
                page.write_text(pages.as_page(path, awake=True), encoding="utf-8")
            return f"{root}/{page.name}"

        yield made


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    """A folder with the scripts of the site."""
    folder = tmp_path_factory.mktemp("scripts")
    shutil.copytree(NBS / "site", folder, dirs_exist_ok=True)
    (folder / "package.json").write_text('{"type": "module"}')
    return folder
