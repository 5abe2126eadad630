"""The page that names drums beside the package: sizes, and times of one run, none asserted.

`make bench` shows them.
"""

import gzip
import time
from pathlib import Path

import numpy as np
import pytest
from test_page import modules, named_by_script

from drumlesson import load
from drumlesson.dev import page
from drumlesson.drums import load_drums

TOP = Path(__file__).resolve().parents[2]
__all__ = ["modules"]  # a fixture


def milliseconds_each(sounds):
    """How long the package takes for each sound, one at a time."""
    shipped = load()
    shipped.predict(sounds[:3], unsure=True)
    times = []
    for x in sounds:
        began = time.perf_counter()
        shipped._answered([x])
        times.append(1000 * (time.perf_counter() - began))
    return times


def sizes(folder):
    """kB of what a reader fetches: {file: (plain, gzipped)}."""
    found = {}
    for path in page.build(TOP, folder):
        content = path.read_bytes()
        found[path.name] = (len(content) / 1000, len(gzip.compress(content)) / 1000)
    return found


@pytest.mark.benchmark(group="the page")
def test_script_and_package(benchmark, modules, timed, tmp_path, capsys):
    drums = load_drums("synth", n_kits=20 if timed else 2, hits=3, random_state=11)
    rounds = {"rounds": 1, "args": (modules, drums.waves)}
    said = benchmark.pedantic(named_by_script, **rounds)
    rows = {
        "script": [answer["ms"] for answer in said],
        "script, processor": [answer["busy"] for answer in said],
        "package": milliseconds_each(drums.waves),
    }
    with capsys.disabled():
        print(f"\n{len(said)} hits, ms a hit: median, 95th percentile, most")
        for name, times in rows.items():
            print(f"{name:18}" + "".join(f"{t:8.1f}" for t in np.percentile(times, [50, 95, 100])))
        print("kB: plain, gzipped")
        for name, both in sizes(tmp_path).items():
            print(f"{name:18}" + "".join(f"{kB:8.1f}" for kB in both))
    assert all(times for times in rows.values())
