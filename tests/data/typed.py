# mypy: disallow-untyped-calls, disallow-untyped-defs
"""What an engineer's own project says with the package; mypy reads it, and nobody runs it."""

from pathlib import Path

import numpy as np

from drumlesson import DrumClassifier, evaluate, load, load_drums, transcribe
from drumlesson.augment import Chain, Speed
from drumlesson.drums import Drums, folds
from drumlesson.evaluation import kit_interval
from drumlesson.families.dense import Dense
from drumlesson.features import LogMel
from drumlesson.labelling import label_files
from drumlesson.live import Stream
from drumlesson.midi import write_midi


def train(folder: Path) -> DrumClassifier:
    drums: Drums = load_drums("synth", n_kits=4, hits=1)
    learned, asked = folds(drums, 2)[0]
    augment = Chain((Speed((-1, 1)),))
    model = DrumClassifier(Dense(units=(8,)), feature=LogMel(n_mels=16), augment=augment)
    model.set_params(epochs=1).fit(drums[learned])
    right = model.predict(drums[asked]) == drums.labels[asked]
    print(evaluate(model, drums[asked])["accuracy"], *kit_interval(right, drums.kits[asked]))
    model.save(folder / "mine.keras")
    return model


def label(folder: Path) -> np.ndarray:
    for row in label_files([folder]):
        print(row["label"], row["path"])
    write_midi(transcribe(folder / "beat.wav"), folder / "beat.mid")
    return load().predict_proba([folder / "kick.wav"])


def listen(blocks: list[np.ndarray]) -> None:
    stream = Stream(sr=44_100)
    for block in blocks:
        print(stream.push(block))
