"""The package in short: run by itself with the lowest and with the newest versions."""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

import drumlesson

LESSON = Path(__file__).resolve().parent.parent / "nbs" / "00_drums.ipynb"


def main() -> None:
    """Raises whatever does not work."""
    drums = drumlesson.load_drums("synth", n_kits=8, hits=1)
    shipped = drumlesson.load()
    print("the shipped model:", *shipped.predict(drums[:5]))
    assert shipped.score(drums) > 0.5
    drumlesson.DrumClassifier(epochs=2, random_state=0).fit(drums).predict(drums[:1])
    lesson = nbformat.read(LESSON, as_version=4)
    NotebookClient(lesson, timeout=600, resources={"metadata": {"path": LESSON.parent}}).execute()
    print(f"{LESSON.name}: runs")


if __name__ == "__main__":
    main()
