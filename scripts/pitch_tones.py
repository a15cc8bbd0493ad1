#!/usr/bin/env python3
"""FCPE's trained weights on sounds of known pitch: the tables of docs/validation.md.

    scripts/check_pitch                                           fetches the weights, and runs this with --check
    build/python-venv/bin/python scripts/pitch_tones.py           the environment of scripts/test-python
    ... scripts/pitch_tones.py --check                            exits 1 where a bound of BOUNDS does not hold
    ... scripts/pitch_tones.py --torchfcpe                        torchfcpe beside it, from the same environment

A cell says how far voiced frames are from the truth, in cents: half of them, 95 of 100, the furthest; and how many frames
are voiced, where not all are. An octave is 1200. Frame i is compared with the pitch at sample 160 i.
"""

import argparse
import sys
import types
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

import contentvec

WHEEL = Path(__file__).resolve().parent.parent / "build/torchfcpe/torchfcpe-0.0.4-py3-none-any.whl"
RATE = 16000
SECONDS = 2
EDGE = 10  # frames at either end that are not looked at
HIGHEST = 7000  # Hz, of what is synthesized
PITCHES = (50, 65, 80, 110, 160, 220, 330, 440, 660, 880, 1000)
# Of vowels: formants' frequencies and widths in Hz, those of a low voice (Peterson and Barney, 1952).
VOWELS = {"a": (730, 1090, 2440), "i": (270, 2290, 3010), "u": (300, 870, 2240)}
WIDTHS = (80, 90, 120)


class Sound(NamedTuple):
    """A waveform with its pitch in Hz at each sample."""

    wave: np.ndarray
    hz: np.ndarray


class Errors(NamedTuple):
    """Of voiced frames, in cents and sorted; `voiced`: their share; `difference`: the furthest from torchfcpe."""

    cents: np.ndarray
    voiced: float
    difference: float | None = None

    def within(self, bound: float) -> float:
        return float((self.cents <= bound).mean()) if len(self.cents) else 0.0


def steady(hz: float) -> np.ndarray:
    return np.full(RATE * SECONDS, float(hz))


def glide(begin: float, end: float, seconds: float) -> np.ndarray:
    """From one pitch to the other and back, evenly in cents."""
    place = np.abs((np.arange(RATE * SECONDS) / RATE / seconds + 1) % 2 - 1)
    return begin * (end / begin) ** (1 - place)


def vibrato(hz: float, cents: float, rate: float) -> np.ndarray:
    return hz * 2 ** (cents / 1200 * np.sin(2 * np.pi * rate * np.arange(RATE * SECONDS) / RATE))


def formants(frequencies: Iterable[float]) -> Callable[[np.ndarray], np.ndarray]:
    """How a vowel's resonators pass a frequency, behind harmonics that fall by 6 dB an octave: 12 of a voice, less 6 of the lips."""

    def gain(hz: np.ndarray) -> np.ndarray:
        passed = 1 / hz
        for center, width in zip(frequencies, WIDTHS):
            passed = passed / np.abs(1 - (hz / center) ** 2 + 1j * hz * width / center**2)
        return passed

    return gain


def sound(hz: np.ndarray, amplitude: Callable[[int, np.ndarray], np.ndarray | float]) -> Sound:
    """Harmonics of a pitch, amplitude(number, their Hz) of each, with a peak of 0.3."""
    phase = 2 * np.pi * np.cumsum(hz) / RATE
    wave = np.zeros(len(hz))
    for number in range(1, int(HIGHEST / hz.min()) + 1):
        wave += np.where(number * hz < HIGHEST, amplitude(number, number * hz), 0) * np.sin(number * phase)
    return Sound(0.3 * wave / np.abs(wave).max(), hz)


def voice(hz: np.ndarray) -> Sound:
    return sound(hz, lambda number, _: 1 / number if number <= 20 else 0.0)


def sine(hz: np.ndarray) -> Sound:
    return sound(hz, lambda number, _: float(number == 1))


def vowel(name: str) -> Callable[[np.ndarray], Sound]:
    gain = formants(VOWELS[name])
    return lambda hz: sound(hz, lambda _, frequency: gain(frequency))


def without_fundamental(hz: np.ndarray) -> Sound:
    return sound(hz, lambda number, _: 1 / number if 2 <= number <= 20 else 0.0)


def strong_second(hz: np.ndarray) -> Sound:
    """The octave above 12 dB louder than the fundamental."""
    return sound(hz, lambda number, _: (4.0 if number == 2 else 1 / number) if number <= 20 else 0.0)


def with_noise(clean: Sound, decibels_below: float = 10) -> Sound:
    """White noise so far below it, the same each time."""
    power = (clean.wave**2).mean() / 10 ** (decibels_below / 10)
    noise = np.random.default_rng(0).standard_normal(len(clean.wave)) * np.sqrt(power)
    return clean._replace(wave=clean.wave + noise)


STEADY = {
    "voice": voice,
    "voice, noise": lambda hz: with_noise(voice(hz)),
    "vowel a": vowel("a"),
    "vowel a, noise": lambda hz: with_noise(vowel("a")(hz)),
    "vowel i": vowel("i"),
    "vowel u": vowel("u"),
    "no fundamental": without_fundamental,
    "strong octave": strong_second,
    "sine": sine,
}
MOVING = {
    "glide 100 to 200 Hz, 1 octave/s": glide(100, 200, 1),
    "glide 150 to 450 Hz, 1.6 octaves/s": glide(150, 450, 1),
    "glide 200 to 400 Hz, 4 octaves/s": glide(200, 400, 0.25),
    "vibrato at 220 Hz, 50 cents, 5.5 Hz": vibrato(220, 50, 5.5),
    "vibrato at 440 Hz, 100 cents, 6 Hz": vibrato(440, 100, 6),
}


class Bound(NamedTuple):
    """What holds of a timbre between two pitches: the share of frames that are voiced, and of these within 10 cents."""

    timbre: str
    lowest: float
    highest: float
    voiced: float
    within: float


BOUNDS = (
    Bound("voice", 50, 1000, 1, 0.95),
    Bound("voice, noise", 65, 1000, 1, 0.95),
    Bound("vowel a", 65, 1000, 1, 1),
    Bound("vowel a, noise", 65, 1000, 1, 0.95),
    Bound("vowel i", 65, 1000, 1, 1),
    Bound("vowel u", 65, 1000, 1, 1),
    Bound("no fundamental", 50, 80, 1, 1),
    Bound("no fundamental", 160, 220, 1, 1),
    Bound("strong octave", 50, 1000, 1, 1),
    Bound("sine", 160, 1000, 1, 1),
)
LEAST_MOVING = 0.9  # of the frames of what moves, clean and with noise, are within 10 cents


class Judge:
    def __init__(self, with_torchfcpe: bool) -> None:
        self.ours = contentvec.PitchEstimator(WHEEL)
        self.theirs = load_torchfcpe() if with_torchfcpe else None

    def errors(self, heard: Sound) -> Errors:
        waveform = heard.wave.astype(np.float32)
        f0 = self.ours.estimate(waveform).f0[EDGE:-EDGE].astype(np.float64)
        places = np.minimum(np.arange(EDGE, EDGE + len(f0)) * 160, len(heard.hz) - 1)
        voiced = f0 > 0
        cents = np.sort(np.abs(1200 * np.log2(f0[voiced] / heard.hz[places][voiced])))
        difference = None
        if self.theirs is not None:
            reference = self.theirs(waveform)[EDGE : EDGE + len(f0)]
            both = voiced & (reference > 0)
            apart = np.abs(1200 * np.log2(f0[both] / reference[both]))
            difference = float(apart.max()) if both.any() else 0.0
            if (voiced != (reference > 0)).any():
                difference = np.inf
        return Errors(cents, float(voiced.mean()), difference)


def load_torchfcpe() -> Callable[[np.ndarray], np.ndarray]:
    """torchfcpe's own float32 result. It imports torchaudio for resampling alone, which is not needed here."""
    try:
        import torchaudio  # noqa: F401
    except (ImportError, OSError, RuntimeError):
        stub = types.ModuleType("torchaudio")
        stub.transforms = types.ModuleType("torchaudio.transforms")
        stub.transforms.Resample = None
        sys.modules.update({"torchaudio": stub, "torchaudio.transforms": stub.transforms})
    import torch
    import torchfcpe

    model = torchfcpe.spawn_bundled_infer_model(device="cpu")

    def estimate(waveform: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            f0 = model.infer(torch.from_numpy(waveform)[None, :, None], sr=RATE, decoder_mode="local_argmax", threshold=0.006)
        return f0[0, :, 0].double().numpy()

    return estimate


def describe(errors: Errors) -> str:
    if not len(errors.cents):
        return "unvoiced"
    places = (len(errors.cents) // 2, int(len(errors.cents) * 0.95), -1)
    text = ", ".join(f"{errors.cents[place]:.0f}" for place in places)
    return text + (f" ({errors.voiced:.0%})" if errors.voiced < 1 else "")


def table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="exit 1 where a bound does not hold")
    parser.add_argument("--torchfcpe", action="store_true", help="compare with torchfcpe's own float32 result")
    arguments = parser.parse_args()
    judge = Judge(arguments.torchfcpe)
    steady_errors = {(name, hz): judge.errors(make(steady(hz))) for name, make in STEADY.items() for hz in PITCHES}
    moving_errors = {
        (name, noise): judge.errors(with_noise(voice(hz)) if noise else voice(hz))
        for name, hz in MOVING.items()
        for noise in (False, True)
    }
    print(table(["Hz", *STEADY], [[str(hz), *(describe(steady_errors[name, hz]) for name in STEADY)] for hz in PITCHES]))
    print()
    rows = [[name, *(describe(moving_errors[name, noise]) for noise in (False, True))] for name in MOVING]
    print(table(["", "clean", "noise"], rows))

    everything = [*steady_errors.values(), *moving_errors.values()]
    if arguments.torchfcpe:
        apart = [errors.difference for errors in everything if np.isfinite(errors.difference)]
        print(f"\nFrom torchfcpe's float32: at most {max(apart):.2f} cents in {len(apart)} of {len(everything)} sounds;")
        print("in the others a frame is voiced by one and not by the other.")
    failures = [
        f"{bound.timbre} at {hz} Hz: {errors.voiced:.0%} voiced, of these {errors.within(10):.0%} within 10 cents"
        for bound in BOUNDS
        for (name, hz), errors in steady_errors.items()
        if name == bound.timbre and bound.lowest <= hz <= bound.highest
        if errors.voiced < bound.voiced or errors.within(10) < bound.within
    ]
    failures += [
        f"{name}{', noise' if noise else ''}: {errors.within(10):.0%} within 10 cents"
        for (name, noise), errors in moving_errors.items()
        if errors.within(10) < LEAST_MOVING
    ]
    if arguments.check and failures:
        sys.exit("pitch_tones: not within its bounds:\n" + "\n".join(failures))


if __name__ == "__main__":
    main()
