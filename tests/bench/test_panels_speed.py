"""How long a panel takes to follow a control: no times asserted, `make bench` shows them."""

import itertools

import numpy as np
import pytest

from drumlesson.course import panels
from drumlesson.drums import load_drums
from drumlesson.labels import LABELS

pytest.importorskip("ipywidgets")

one_update = pytest.mark.benchmark(group="one update of a panel")


@pytest.fixture(scope="module")
def drums():
    """Hits of up to a second and a half: 40, of 8 kits."""
    return load_drums("synth", n_kits=8, hits=1, random_state=4)


@pytest.fixture(scope="module")
def five(drums):
    return [drums[i] for i in range(5)]


def report(benchmark):
    """Prints and stores the median and the slowest update, in ms."""
    if benchmark.stats is None:  # benchmarks are disabled: the panel was moved once
        return
    times = benchmark.stats.stats
    median = times.median * 1e3
    slowest = times.max * 1e3
    benchmark.extra_info["median ms"] = round(median, 1)
    benchmark.extra_info["slowest ms"] = round(slowest, 1)
    print(f"\n{benchmark.name}: {median:.0f} ms, the slowest {slowest:.0f} ms")


def moved(benchmark, panel, **settings):
    """Moves controls on and on through all combinations of the settings, one update a round."""
    combinations = itertools.product(*settings.values())
    turns = itertools.cycle([dict(zip(settings, c, strict=True)) for c in combinations])

    def setup():
        return (), next(turns)

    benchmark.pedantic(panel.set, setup=setup, rounds=40, warmup_rounds=2)
    report(benchmark)


@one_update
def test_attack(benchmark, five):
    panel = panels.attack_explorer(five)
    moved(benchmark, panel, hit=range(5), length=(5, 500), start=(0, 40))


@one_update
def test_stft(benchmark, five):
    panel = panels.stft_explorer(five)
    moved(benchmark, panel, hit=(0, 3), window=(64, 1024, 4096), hop_length=(32, 256, 1024))


@one_update
@pytest.mark.parametrize("feature", ["STFT magnitude", "log-mel", "MFCC"])
def test_resynthesis(benchmark, five, feature):
    panel = panels.resynthesis(five).set(feature=feature)
    moved(benchmark, panel, hit=(0, 3), hop_length=(256, 1024), numbers=(4, 128))


@one_update
@pytest.mark.parametrize("of", ["waves", "pictures"])
def test_augmentation(benchmark, five, of):
    names = list(panels._BENCH)
    first_of_pictures = names.index("SpectralEnvelope")
    chosen = names[:first_of_pictures] if of == "waves" else names[first_of_pictures:]
    moved(benchmark, panels.augment_bench(five), hit=(1, 3), augmentation=chosen, draw=(0, 1))


@one_update
def test_threshold(benchmark, drums):
    yes = drums.labels == "cymbal"
    p = np.clip(np.random.default_rng(0).normal(np.where(yes, 0.6, 0.4), 0.2), 0, 1)
    panel = panels.threshold_explorer(p, yes, drums)
    moved(benchmark, panel, threshold=np.linspace(0, 1, 21).round(2))


@one_update
def test_confusion(benchmark, drums):
    proba = np.random.default_rng(1).dirichlet(np.full(5, 0.7), len(drums))
    panel = panels.confusion_explorer(drums.labels, proba, drums)
    moved(benchmark, panel, cell=list(itertools.product(range(5), range(5))))


@one_update
def test_answering(benchmark, drums):
    test = panels.listening_test(drums, drums.labels)
    labels = itertools.cycle(LABELS)

    def setup():
        test.next()
        return (next(labels),), {}

    benchmark.pedantic(test.answer, setup=setup, rounds=30)
    assert len(test.answers) >= 30 or benchmark.stats is None
    report(benchmark)


@one_update
def test_going_on(benchmark, drums):
    test = panels.listening_test(drums, drums.labels)
    labels = itertools.cycle(LABELS)

    def setup():
        test.answer(next(labels))
        return (), {}

    benchmark.pedantic(test.next, setup=setup, rounds=30)
    assert len(test.answers) >= 30 or benchmark.stats is None
    report(benchmark)
