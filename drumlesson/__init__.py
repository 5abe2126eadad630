"""Learn to classify short drum sounds by building, hearing and measuring."""

import importlib

__version__ = "0.1.0"

TYPE_CHECKING = False  # editors and type checkers take it for true, and then know the names below
if TYPE_CHECKING:
    from .audio import load_audio as load_audio
    from .classifier import DrumClassifier as DrumClassifier
    from .display import listen as listen
    from .drums import Drums as Drums
    from .drums import load_drums as load_drums
    from .runtime import load as load
    from .transcribing import transcribe as transcribe

_HOME = {  # the names that a user meets first -> the room they live in
    "DrumClassifier": "classifier",
    "load": "runtime",
    "Drums": "drums",
    "load_drums": "drums",
    "listen": "display",
    "load_audio": "audio",
    "transcribe": "transcribing",
}
_TO_TRAIN = {"DrumClassifier", "Drums", "load_drums"}  # need what the plain installation lacks


def _at_hand():
    """The names that can be used with what is installed."""
    from importlib.util import find_spec

    can_train = all(find_spec(library) for library in ("keras", "pandas", "sklearn"))
    return [name for name in _HOME if can_train or name not in _TO_TRAIN]


def __getattr__(name):
    """Names are looked up when first used, so that `import drumlesson` costs nothing."""
    if name == "__all__":
        return _at_hand()
    if name in _HOME:
        from drumlesson.backend import _needs

        with _needs("train"):
            return getattr(importlib.import_module(f"drumlesson.{_HOME[name]}"), name)
    raise AttributeError(f"module 'drumlesson' has no attribute {name!r}")


def __dir__():
    hidden = {"importlib", "TYPE_CHECKING"}
    shown = [name for name in globals() if name.startswith("__") or not name.startswith("_")]
    return [*(name for name in shown if name not in hidden), *_at_hand()]
