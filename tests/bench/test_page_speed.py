"""The page that names drums beside the package: sizes, and times of one run, none asserted.

`make bench` shows them.
"""

import gzip
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import toy_groove
from test_beats import written_by_script
from test_page import modules, named_by_script

from drumlesson import load
from drumlesson.audio import SR
from drumlesson.dev import page
from drumlesson.drums import load_drums
from drumlesson.rendering import drum_kits, render
from drumlesson.transcribing import load_transcriber, transcribe

TOP = Path(__file__).resolve().parents[2]
__all__ = ["modules"]  # a fixture


def each(sounds, answer):
    """Milliseconds, and those of the processor, that the package takes for each sound in turn."""
    answer(sounds[0])
    times, busy = [], []
    for x in sounds:
        began, worked = time.perf_counter(), time.process_time()
        answer(x)
        times.append(1000 * (time.perf_counter() - began))
        busy.append(1000 * (time.process_time() - worked))
    return times, busy


def sizes(folder):
    """kB of what a reader fetches: {file: (plain, gzipped)}."""
    found = {}
    for path in page.build(TOP, folder):
        content = path.read_bytes()
        found[path.name] = (len(content) / 1000, len(gzip.compress(content)) / 1000)
    return found


def show(capsys, heading, rows):
    """Prints a table of times: median, 95th percentile, most."""
    with capsys.disabled():
        print(f"\n{heading}: median, 95th percentile, most")
        for name, times in rows.items():
            print(f"{name:20}" + "".join(f"{t:9.1f}" for t in np.percentile(times, [50, 95, 100])))


@pytest.mark.benchmark(group="the page")
def test_script_and_package(benchmark, modules, timed, tmp_path, capsys):
    drums = load_drums("synth", n_kits=20 if timed else 2, hits=3, random_state=11)
    rounds = {"rounds": 1, "args": (modules, drums.waves)}
    said = benchmark.pedantic(named_by_script, **rounds)
    shipped = load()
    times, busy = each(drums.waves, lambda x: shipped._answered([x]))
    rows = {
        "script": [answer["ms"] for answer in said],
        "script, processor": [answer["busy"] for answer in said],
        "package": times,
        "package, processor": busy,
    }
    show(capsys, f"{len(said)} hits, ms a hit", rows)
    with capsys.disabled():
        print("kB: plain, gzipped")
        for name, both in sizes(tmp_path).items():
            print(f"{name:20}" + "".join(f"{kB:9.1f}" for kB in both))
    assert {len(times) for times in rows.values()} == {len(drums.waves)}


@pytest.mark.benchmark(group="the page")
@pytest.mark.filterwarnings("ignore:.*something beside drums sounds")
def test_script_and_package_write_a_beat_down(benchmark, modules, timed, capsys):
    seconds = 60.0 if timed else 8.0
    kits = drum_kits(load_drums("synth", n_kits=2, hits=2, random_state=21))
    beats = [render(toy_groove(i, seconds), kit, kits, i).x for i, kit in enumerate(kits)]
    rounds = {"rounds": 1, "args": (modules, [beats[0], *beats])}
    _, *said = benchmark.pedantic(written_by_script, **rounds)  # the first warms up
    transcriber = load_transcriber()
    times, busy = each(beats, lambda x: transcribe(x, transcriber))
    a_minute = 60 / (1000 * seconds)
    rows = {
        "script": [answer["ms"] * a_minute for answer in said],
        "script, processor": [answer["busy"] * a_minute for answer in said],
        "package": np.multiply(times, a_minute),
        "package, processor": np.multiply(busy, a_minute),
    }
    show(capsys, f"{len(said)} beats of {seconds:.0f} s, seconds a minute at {SR} Hz", rows)
    show(capsys, "ms", {"longest step": [answer["longest"] for answer in said]})
    assert all(len(answer["hits"]) for answer in said)
