"""Settings by which a classifier learns in a moment, for tests of what surrounds the learning."""

from drumlesson.families.dense import Dense
from drumlesson.features import LogMel

QUICK = dict(
    family=Dense(units=(8,)),
    feature=LogMel(n_mels=16, hop_length=512),
    window=0.05,
    epochs=2,
    refit=False,
    verbose=0,
)
