#!/usr/bin/env python3
"""FCPE's trained weights on tones of known pitch: the table of docs/pitch.md.

    scripts/check_pitch                                   fetches the weights
    build/python-venv/bin/python scripts/pitch_tones.py   the environment of scripts/test-python
"""

from pathlib import Path

import numpy as np

import contentvec

WHEEL = Path(__file__).resolve().parent.parent / "build/torchfcpe/torchfcpe-0.0.4-py3-none-any.whl"
RATE = 16000
SECONDS = 2
EDGE = 10  # frames at either end that are not looked at


def tone(hz: float, harmonics: int) -> np.ndarray:
    """A tone whose harmonics fall with their number, with a peak of 0.3."""
    phase = 2 * np.pi * hz * np.arange(RATE * SECONDS) / RATE
    wave = sum(np.sin(k * phase) / k for k in range(1, harmonics + 1))
    return 0.3 * wave / np.abs(wave).max()


def with_noise(wave: np.ndarray, decibels_below: float) -> np.ndarray:
    power = (wave**2).mean() / 10 ** (decibels_below / 10)
    return wave + np.random.default_rng(0).standard_normal(len(wave)) * np.sqrt(power)


def describe(estimator: contentvec.PitchEstimator, wave: np.ndarray, hz: float) -> str:
    f0 = estimator.estimate(wave.astype(np.float32)).f0[EDGE:-EDGE]
    voiced = f0[f0 > 0]
    if not len(voiced):
        return "unvoiced"
    cents = 1200 * np.log2(voiced / hz)
    share = f", {len(voiced) / len(f0):.0%} voiced" if len(voiced) < len(f0) else ""
    return f"{np.median(cents):.1f}, {np.abs(cents).max():.0f}{share}"


def main() -> None:
    estimator = contentvec.PitchEstimator(WHEEL)
    print("| Hz | clean: median, largest | with noise: median, largest | sine: median, largest |\n|---|---|---|---|")
    for hz in (50, 80, 110, 220, 440, 880, 1000):
        rich = tone(hz, min(20, 7000 // hz))
        columns = [describe(estimator, wave, hz) for wave in (rich, with_noise(rich, 10), tone(hz, 1))]
        print(f"| {hz} | {' | '.join(columns)} |")


if __name__ == "__main__":
    main()
