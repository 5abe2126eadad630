"""How fast sounds are named: ratios within one run, no times asserted.

`make bench` shows them.
"""

import subprocess
import sys
import time
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile

from drumlesson import load
from drumlesson.audio import SR, load_hits
from drumlesson.labelling import LabelTable, label_files
from drumlesson.labels import LABELS
from drumlesson.synth import synth_kit

OLD = Path(__file__).parents[1] / "data" / "best.keras"  # as version 0.1.0 shipped it
N, FEW = 2000, 200  # files where times are taken; the slow ways get a few


@pytest.fixture(scope="module")
def library(tmp_path_factory, timed):
    """2,000 files of half a second; a tenth of them where no times are taken."""
    folder = tmp_path_factory.mktemp("library")
    hits = [synth_kit(k).hit(label) for k in range(8) for label in LABELS]
    rng = np.random.default_rng(0)
    for i in range(N if timed else N // 10):
        x = np.resize(hits[i % len(hits)], SR // 2) * rng.uniform(0.3, 1)
        soundfile.write(folder / f"{i:04}.wav", x, SR)
    return folder


@pytest.fixture(scope="module")
def each():
    """Seconds a file, or a start, of each benchmark of this file."""
    return {}


def told(benchmark, each, name, n=1, slow=()):
    """Keeps the quickest round of a benchmark, and its ratios to others of the same run."""
    if benchmark.stats is None:  # benchmarks are switched off: each function ran once
        return
    each[name] = benchmark.stats.stats.min / n
    print(f"\n{name}: {each[name] * 1e3:.2f} ms, {1 / each[name]:,.0f} a second", end="")
    for other in set(slow) & set(each):
        times = each[other] / each[name]
        benchmark.extra_info[f"times as fast as {other}"] = round(times, 2)
        print(f", {times:.2f} times as fast as {other}", end="")
    print()


STARTS = {
    "libraries alone": ["-c", "import numpy, scipy.fft, soundfile"],
    "cold command": ["-m", "drumlesson.cli", "predict"],
}


@pytest.mark.benchmark(group="from the shell to a label")
@pytest.mark.parametrize("name", STARTS)
def test_cold_start(benchmark, library, each, name):
    command = [sys.executable, *STARTS[name]]
    if name == "cold command":
        command.append(library / "0000.wav")

    def start():
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    benchmark.pedantic(start, rounds=7, warmup_rounds=1)
    told(benchmark, each, name, slow=["libraries alone"])


def librosa_and_keras(model, files):
    """The plain way: a file at a time."""
    for file in files:
        x, _ = librosa.load(file, sr=SR)
        x = np.resize(librosa.effects.trim(x)[0], int(0.3 * SR))
        mel = librosa.feature.melspectrogram(y=x, sr=SR, hop_length=256)
        picture = librosa.power_to_db(mel, ref=np.max).T
        picture = np.resize(picture, model.network_.input_shape[1:])
        model.network_.predict(picture[None], verbose=0)


def as_0_1_0(model, files):
    """All files decoded, then all answered, twice over."""
    hits, _ = load_hits(files)
    sounds = [x for x, _ in hits.values()]
    model.predict_proba(sounds)
    model.doubts(sounds)


@pytest.mark.benchmark(group="files of half a second")
@pytest.mark.parametrize("way", [librosa_and_keras, as_0_1_0], ids=["librosa and keras", "0.1.0"])
def test_the_old_ways(benchmark, library, each, timed, way):
    model = load(OLD)
    files = sorted(library.iterdir())
    if way is librosa_and_keras:
        files = files[: FEW if timed else FEW // 10]
    way(model, files[:2])
    benchmark.pedantic(way, args=(model, files), rounds=1)
    told(benchmark, each, way.__name__, len(files))


@pytest.mark.benchmark(group="files of half a second")
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_library(benchmark, library, each, tmp_path, jobs):
    """With the table, and with the start of the workers."""

    def name_all():
        (tmp_path / "labels.csv").unlink(missing_ok=True)
        with LabelTable(tmp_path / "labels.csv") as table:
            return sum(1 for _ in label_files([library], table=table, jobs=jobs))

    assert benchmark.pedantic(name_all, rounds=3) == len(list(library.iterdir()))
    told(benchmark, each, f"{jobs} jobs", N, ["librosa_and_keras", "as_0_1_0", "1 jobs"])


PROCESSES = {
    "process as 0.1.0": [
        "-c",
        "import sys; from pathlib import Path; from drumlesson import load;"
        "from drumlesson.audio import load_hits; model = load(sys.argv[1]);"
        "hits, _ = load_hits(sorted(Path(sys.argv[2]).iterdir()));"
        "x = [x for x, _ in hits.values()]; model.predict_proba(x); model.doubts(x)",
        OLD,
    ],
    "command": ["-m", "drumlesson.cli", "predict"],
}


@pytest.mark.benchmark(group="files of half a second, from the shell")
@pytest.mark.parametrize("name", PROCESSES)
def test_a_library_from_the_shell(benchmark, library, each, name):
    command = [sys.executable, *PROCESSES[name], library]

    def run():
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    benchmark.pedantic(run, rounds=3)
    told(benchmark, each, name, N, ["process as 0.1.0"])


@pytest.mark.benchmark(group="one hit, from a buffer to a label")
def test_one_hit(benchmark):
    model, hit = load(), synth_kit(0).hit("snare")
    benchmark(model.predict, [hit])
    if benchmark.stats is None:
        return
    took = []
    for _ in range(2000):
        start = time.perf_counter()
        model.predict([hit])
        took.append(time.perf_counter() - start)
    median, p99 = np.percentile(took, [50, 99]) * 1e3
    benchmark.extra_info |= {"median ms": round(median, 2), "p99 ms": round(p99, 2)}
    print(f"\none hit: median {median:.2f} ms, 99 of 100 within {p99:.2f} ms")
