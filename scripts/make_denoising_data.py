#!/usr/bin/env python3
"""Writes tests/data/denoising: a noisy signal, and its end without the noise as TorchGate computes it.

An independent writing-out of TorchGate (noisereduce 3.0.3's torchgate.py, which RVC's is a copy of; stationary, with
n_fft = 4 * hop and prop_decrease = 0.9, as RVC's real-time program makes it) in NumPy, float64. Needs NumPy.
"""
import pathlib

import numpy as np

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests/data/denoising"
RATE = 8100  # whose transform has a prime factor above 5
HOP = RATE // 100
N_FFT = 4 * HOP


def stft(x):
    padded = np.pad(x, N_FFT // 2)
    window = np.hanning(N_FFT + 1)[:-1]
    frames = [padded[i : i + N_FFT] * window for i in range(0, len(padded) - N_FFT + 1, HOP)]
    return np.fft.rfft(frames).T  # [bins, frames]


def istft(spectra, size):
    window = np.hanning(N_FFT + 1)[:-1]
    total = np.zeros((spectra.shape[1] - 1) * HOP + N_FFT)
    weight = np.zeros_like(total)
    for i, frame in enumerate(np.fft.irfft(spectra.T, N_FFT)):
        total[i * HOP : i * HOP + N_FFT] += frame * window
        weight[i * HOP : i * HOP + N_FFT] += window**2
    return (total[N_FFT // 2 :] / np.maximum(weight[N_FFT // 2 :], 1e-11))[:size]


def amp_to_db(x, top_db=40):
    db = 20 * np.log10(np.abs(x) + np.finfo(np.float64).eps)
    return np.maximum(db, db.max(-1, keepdims=True) - top_db)


def triangle(n):
    return np.concatenate([np.linspace(0, 1, n + 2)[:-1], np.linspace(1, 0, n + 2)])[1:-1]


def torch_gate(x, noise):
    spectra = stft(x)
    level, noise_level = amp_to_db(spectra), amp_to_db(stft(noise))
    threshold = noise_level.mean(-1) + 1.5 * noise_level.std(-1, ddof=1)
    mask = 0.9 * ((level > threshold[:, None]) - 1.0) + 1.0
    kernel = np.outer(triangle(int(500 / (RATE / (N_FFT / 2)))), triangle(int(50 / (HOP / RATE * 1000))))
    kernel /= kernel.sum()
    around = [(size // 2, size // 2) for size in kernel.shape]
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(mask, around), kernel.shape)
    return istft(spectra * np.einsum("ftij,ij->ft", windows, kernel[::-1, ::-1]), len(x))


def main():
    random = np.random.default_rng(3)
    t = np.arange(100 * HOP) / RATE
    voice = sum(np.sin(2 * np.pi * 180 * k * t + k) / k for k in range(1, 15)) * (np.sin(2 * np.pi * 1.3 * t) > 0.2)
    signal = (0.2 * voice + 0.02 * random.standard_normal(len(t)) + 0.03 * np.sin(2 * np.pi * 50 * t)).astype(np.float32)
    stretch = signal[-30 * HOP :]
    FOLDER.mkdir(parents=True, exist_ok=True)
    np.save(FOLDER / "signal.npy", signal)
    np.save(FOLDER / "expected.npy", torch_gate(stretch.astype(np.float64), signal.astype(np.float64)).astype(np.float32))


if __name__ == "__main__":
    main()
