"""How long a panel takes to follow a control: one update each, no times asserted. `make bench` shows them."""

import itertools

import numpy as np
import pytest

from drumlesson import widgets
from drumlesson.drums import load_drums
from drumlesson.labels import LABELS

pytest.importorskip("ipywidgets")


@pytest.fixture(scope="module")
def drums():
    """Hits of up to a second and a half: 40, of 8 kits."""
    return load_drums("synth", n_kits=8, hits=1, random_state=4)


@pytest.fixture(scope="module")
def five(drums):
    return [drums[i] for i in range(5)]


def moved(benchmark, panel, **settings):
    """Moves controls on and on through all combinations of the settings, one update a round."""
    turns = itertools.cycle(
        [dict(zip(settings, values)) for values in itertools.product(*settings.values())]
    )
    benchmark.pedantic(panel.set, setup=lambda: ((), next(turns)), rounds=40, warmup_rounds=2)
    if benchmark.stats is not None:
        times = benchmark.stats.stats
        benchmark.extra_info |= {
            "median ms": round(times.median * 1e3, 1),
            "slowest ms": round(times.max * 1e3, 1),
        }
        print(
            f"\n{benchmark.name}: {times.median * 1e3:.0f} ms, the slowest {times.max * 1e3:.0f} ms"
        )


@pytest.mark.benchmark(group="one update of a panel")
def test_attack(benchmark, five):
    moved(benchmark, widgets.attack_explorer(five), hit=range(5), length=(5, 500), start=(0, 40))


@pytest.mark.benchmark(group="one update of a panel")
def test_stft(benchmark, five):
    moved(
        benchmark,
        widgets.stft_explorer(five),
        hit=(0, 3),
        window=(64, 1024, 4096),
        hop_length=(32, 256, 1024),
    )


@pytest.mark.benchmark(group="one update of a panel")
@pytest.mark.parametrize("feature", ["STFT magnitude", "log-mel", "MFCC"])
def test_resynthesis(benchmark, five, feature):
    moved(
        benchmark,
        widgets.resynthesis(five).set(feature=feature),
        hit=(0, 3),
        hop_length=(256, 1024),
        numbers=(4, 128),
    )


@pytest.mark.benchmark(group="one update of a panel")
@pytest.mark.parametrize("of", ["waves", "pictures"])
def test_augmentation(benchmark, five, of):
    names = list(widgets._BENCH)
    at = names.index("SpectralEnvelope")
    moved(
        benchmark,
        widgets.augment_bench(five),
        hit=(1, 3),
        augmentation=names[:at] if of == "waves" else names[at:],
        draw=(0, 1),
    )


@pytest.mark.benchmark(group="one update of a panel")
def test_threshold(benchmark, drums):
    yes = drums.labels == "cymbal"
    p = np.clip(np.random.default_rng(0).normal(np.where(yes, 0.6, 0.4), 0.2), 0, 1)
    moved(
        benchmark,
        widgets.threshold_explorer(p, yes, drums),
        threshold=np.linspace(0, 1, 21).round(2),
    )


@pytest.mark.benchmark(group="one update of a panel")
def test_confusion(benchmark, drums):
    proba = np.random.default_rng(1).dirichlet(np.full(5, 0.7), len(drums))
    moved(
        benchmark,
        widgets.confusion_explorer(drums.labels, proba, drums),
        cell=list(itertools.product(range(5), range(5))),
    )


@pytest.mark.benchmark(group="one update of a panel")
@pytest.mark.parametrize("press", ["answer", "next"])
def test_listening(benchmark, drums, press):
    test = widgets.listening_test(drums, drums.labels)
    labels = itertools.cycle(LABELS)
    before, pressed = (test.next, test.answer) if press == "answer" else (test.answer, test.next)

    def setup():
        before() if press == "answer" else before(next(labels))
        return ((next(labels),), {}) if press == "answer" else ((), {})

    benchmark.pedantic(pressed, setup=setup, rounds=30)
    assert len(test.answers) >= 30 or benchmark.stats is None
    if benchmark.stats is not None:
        print(
            f"\n{benchmark.name}: {benchmark.stats.stats.median * 1e3:.0f} ms, the slowest {benchmark.stats.stats.max * 1e3:.0f} ms"
        )
