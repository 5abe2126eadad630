"""Learn to classify short drum sounds by building, hearing and measuring."""

import importlib

__version__ = "0.1.0"

_HOME = {  # the names that a user meets first -> the room they live in
    "DrumClassifier": "classifier",
    "load": "runtime",
    "Drums": "drums",
    "load_drums": "drums",
    "listen": "display",
    "load_audio": "audio",
    "transcribe": "transcribing",
}
__all__ = list(_HOME)


def __getattr__(name):
    """Names are looked up when first used, so that `import drumlesson` costs nothing."""
    if name in _HOME:
        from drumlesson.backend import _needs

        with _needs("train"):
            return getattr(importlib.import_module(f"drumlesson.{_HOME[name]}"), name)
    raise AttributeError(f"module 'drumlesson' has no attribute {name!r}")


def __dir__():
    return [*globals(), *__all__]
