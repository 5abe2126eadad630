"""Players and pictures: true loudness, escaped captions, axes with units."""

import base64
import io

import matplotlib
import numpy as np
import pytest
import soundfile
from conftest import interrupted_amid, noise_hit

from drumlesson.audio import SR, AudioError, Sound
from drumlesson.display import HEADROOM, Players, listen, plot_spectrogram, plot_wave

matplotlib.use("Agg")


def played(players, i=0):
    """The samples of a player."""
    flac = players.split("base64,")[i + 1].split('"')[0]
    samples, _ = soundfile.read(io.BytesIO(base64.b64decode(flac)))
    return samples


@pytest.mark.parametrize(
    "x",
    [np.zeros((3, 3)), [], [np.nan], [0.1, np.inf]],
    ids=["three channels", "empty", "nan", "inf"],
)
def test_what_cannot_be_played(x):
    with pytest.raises(AudioError, match="snare"):
        listen(Sound(np.asarray(x, np.float32), name="snare"))


def test_an_interrupt_amid_a_player_is_not_lost(monkeypatch):
    ended = interrupted_amid(monkeypatch, "soundfile.write")
    with pytest.raises(KeyboardInterrupt):
        listen(Sound(noise_hit()))
    assert ended == ["soundfile.write"]


def test_names_in_players_are_escaped():
    page = listen(
        Sound(noise_hit(), name="<script>", credit='a "kit"', url='https://example.org/"x')
    )
    assert "<script>" not in page and "&lt;script&gt;" in page and '/"x' not in page


def test_players_keep_loudness():
    hit = noise_hit()
    pair = listen(hit, hit / 10, names=["loud", "soft"])
    assert isinstance(pair, Players) and repr(pair) == "<2 players>"
    loud, soft = np.abs(played(pair, 0)).max(), np.abs(played(pair, 1)).max()
    assert loud == pytest.approx(HEADROOM * np.abs(hit).max(), abs=1e-3)
    assert loud / soft == pytest.approx(10, rel=0.01)
    assert "clipped" not in pair


def test_what_is_clipped_says_so():
    assert "clipped: its peak is 3.0 times full scale" in listen(np.full(SR, 3.0))


def test_a_short_sound_is_padded():
    assert len(played(listen(noise_hit(0.01)))) == int(0.25 * SR)


def test_only_synthesised_sounds_are_marked_so():
    assert 'data-source="unknown"' in listen(noise_hit())
    assert 'data-source="synth"' in listen(Sound(noise_hit(), source="synth"))


def test_names_and_sounds_are_as_many():
    with pytest.raises(ValueError, match="at least one sound"):
        listen()
    with pytest.raises(ValueError, match="1 sound but 2 names"):
        listen(noise_hit(), names=["a", "b"])


def test_pictures_have_axes_with_units():
    hit = Sound(noise_hit(), name="a hit")
    wave = plot_wave(hit, ms=True)
    assert (wave.get_xlabel(), wave.get_title()) == ("time (ms)", "a hit")
    assert plot_wave(hit.x, title="mine").get_title() == "mine"
    for mel in (False, True):
        picture = plot_spectrogram(hit, mel=mel)
        assert (picture.get_xlabel(), picture.get_ylabel()) == ("time (s)", "frequency (Hz)")


def test_two_channels_stay_two():
    x = np.stack([np.linspace(0, 0.5, 8000), np.linspace(0.5, 0, 8000)], axis=1)
    assert np.allclose(played(listen(x)), x * HEADROOM, atol=1e-4)
