"""What cannot be taken is refused in words of the argument, not of the extension."""

import os

import numpy as np
import pytest
from conftest import ROOT

import contentvec

CONFIGS = ROOT / "tests/oracle-rvc/configs"
RMVPE = f"synthetic:{CONFIGS}/tiny-rmvpe.json"
VOICE = f"synthetic:{CONFIGS}/tiny-v2-48k.json"
HUBERT = f"synthetic:{CONFIGS}/pipeline-hubert-v2.json"
NOISE = (np.random.default_rng(1).standard_normal(8000) * 0.1).astype(np.float32)


@pytest.fixture(scope="module")
def converter():
    return contentvec.Converter(contentvec.load(HUBERT), contentvec.Voice(VOICE), contentvec.PitchEstimator(RMVPE))


@pytest.mark.parametrize(
    "call, text",
    [
        (lambda: contentvec.Voice(3), "spec is a int; expected a path"),
        (lambda: contentvec.Voice(None), "spec is a NoneType"),
        (lambda: contentvec.Voice(VOICE, threads="2"), "threads is a str; expected a whole number"),
        (lambda: contentvec.Voice(VOICE, threads=1.5), "threads is a float"),
        (lambda: contentvec.Voice(VOICE, dtype=None), "dtype is a NoneType; expected a str"),
        (lambda: contentvec.Voice(VOICE, sample_rate="48k"), "sample_rate is a str"),
        (lambda: contentvec.Voice(VOICE, token=1), "token is a int"),
        (lambda: contentvec.PitchEstimator([]), "spec is a list"),
        (lambda: contentvec.PitchEstimator(RMVPE, threads=None), "threads is a NoneType"),
        (lambda: contentvec.PitchEstimator(RMVPE).estimate(NOISE, threshold="high"), "threshold is a str"),
        (lambda: contentvec.load(1), "spec is a int"),
        (lambda: contentvec.load(HUBERT, threads="all"), "threads is a str"),
        (lambda: contentvec.load_audio(1.5), "cannot read audio from a float"),
        (lambda: contentvec.inspect_voice(1), "spec is a int"),
        (lambda: contentvec.find_voice(1), "spec is a int"),
        (lambda: contentvec.write_audio(1, NOISE, 16000), "path is a int"),
        (lambda: contentvec.write_audio("x.wav", NOISE, "16k"), "sample_rate is a str"),
        (lambda: contentvec.shift_semitones(NOISE, "up"), "semitones is a str"),
        (lambda: contentvec.Converter("model", None), "model is a str; expected a contentvec.Model"),
    ],
)
def test_types(call, text):
    with pytest.raises((TypeError, contentvec.Error)) as error:
        call()
    assert text in str(error.value) and "incompatible" not in str(error.value)


@pytest.mark.parametrize("option", ["rate", "key", "speaker", "index_rate", "nprobe", "protect", "formant", "seed"])
def test_types_of_a_conversion(converter, option):
    with pytest.raises(TypeError, match=f"{option} is a str"):
        converter.convert(NOISE, **{option: "x"})


@pytest.mark.parametrize("rate", [-1, 0, 1, 999, 1_000_001, 2**31])
def test_rates_that_no_recording_has(converter, rate):
    with pytest.raises(contentvec.Error, match="rate is"):
        converter.convert(NOISE, rate=rate)


def test_paths_that_are_no_utf8(tmp_path):
    odd = os.fsdecode(b"\xff.wav")
    for call in (
        contentvec.load_audio,
        contentvec.load,
        contentvec.Voice,
        contentvec.PitchEstimator,
        contentvec.find_voice,
        lambda path: contentvec.write_audio(path, NOISE, 16000),
    ):
        with pytest.raises(contentvec.Error, match=r"udcff.wav', which is no UTF-8: rename it"):
            call(tmp_path / odd)
    contentvec.write_audio(os.fsencode(tmp_path / "a.wav"), NOISE, 16000)
    assert contentvec.load_audio(tmp_path / "a.wav").shape == (8000,)


def test_whole_numbers_are_a_pitch(converter):
    f0 = np.full(51, 200)
    assert contentvec.shift_semitones(f0, 12).tolist() == [400] * 51
    assert contentvec.coarse_pitch(f0).tolist() == contentvec.coarse_pitch(f0.astype(np.float32)).tolist()
    one, other = (converter.convert(NOISE, f0=curve, seed=1).waveform for curve in (f0, f0.astype(np.float32)))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("semitones", [1e6, -1e6, float("nan"), float("inf"), 121])
def test_shifts_are_bounded(semitones):
    with pytest.raises(contentvec.Error, match="expected -120 to 120"):
        contentvec.shift_semitones(np.full(3, 100, np.float32), semitones)
