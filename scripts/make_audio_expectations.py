#!/usr/bin/env python3
"""Makes tests/data/audio: small audio files, and what librosa makes of each.

The C++ tests hold contentvec::load_audio to these to 1e-4. Run it again only to add a file: encoders differ from
version to version, so every file and its expectation belong together.

    python3 -m venv /tmp/audio && /tmp/audio/bin/pip install librosa soundfile
    /tmp/audio/bin/python scripts/make_audio_expectations.py            # needs espeak-ng for speech.flac
"""

import pathlib
import subprocess
import tempfile

import librosa
import numpy as np
import soundfile

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "audio"

SPEECH = "Content features say what is said, not who says it. Another voice gives the same numbers."

# name: (rate, channels, seconds, peak, libsndfile format, subtype)
FILES = {
    "pcm16_mono_8000.wav": (8000, 1, 0.3, 0.8, "WAV", "PCM_16"),
    "pcm8_mono_11025.wav": (11025, 1, 0.3, 0.8, "WAV", "PCM_U8"),
    "float_mono_16000.wav": (16000, 1, 0.2, 1.5, "WAV", "FLOAT"),
    "pcm16_stereo_16000.wav": (16000, 2, 0.1, 0.8, "WAV", "PCM_16"),
    "pcm24_mono_22050.flac": (22050, 1, 0.3, 0.8, "FLAC", "PCM_24"),
    "pcm16_mono_24000.aiff": (24000, 1, 0.1, 0.8, "AIFF", "PCM_16"),
    "pcm16_mono_32000.w64": (32000, 1, 0.1, 0.8, "W64", "PCM_16"),
    "pcm24_stereo_44100.wav": (44100, 2, 0.2, 0.9, "WAVEX", "PCM_24"),
    "mp3_stereo_44100.mp3": (44100, 2, 0.3, 0.7, "MP3", "MPEG_LAYER_III"),
    "float_3ch_48000.wav": (48000, 3, 0.1, 2.5, "WAV", "FLOAT"),
    "pcm16_5.1_48000.wav": (48000, 6, 0.05, 0.8, "WAVEX", "PCM_16"),
    "vorbis_stereo_48000.ogg": (48000, 2, 0.3, 0.7, "OGG", "VORBIS"),
    "opus_mono_48000.opus": (48000, 1, 0.3, 0.7, "OGG", "OPUS"),
    "double_mono_48000.rf64": (48000, 1, 0.05, 0.8, "RF64", "DOUBLE"),
    "pcm16_mono_96000.wav": (96000, 1, 0.2, 0.8, "WAV", "PCM_16"),
}


def signal(rate, channels, seconds, peak, rng):
    """A chirp over a harmonic tone and noise; another chirp for each channel."""
    t = np.arange(round(rate * seconds)) / rate
    channel = []
    for c in range(channels):
        top = min(7000, rate / 2.2) * (c + 1) / channels
        chirp = np.sin(2 * np.pi * (100 * t + (top - 100) * t**2 / (2 * seconds)))
        tone = sum(np.sin(2 * np.pi * 150 * (c + 1) * k * t) / k for k in range(1, 6))
        channel.append(chirp + 0.5 * tone + 0.05 * rng.standard_normal(t.size))
    wave = np.stack(channel, axis=1)
    return (peak * wave / np.abs(wave).max()).astype(np.float32)


def make_speech(path):
    with tempfile.TemporaryDirectory() as folder:
        wav = pathlib.Path(folder) / "speech.wav"
        subprocess.run(["espeak-ng", "-v", "en-us", "-s", "190", "-w", wav, SPEECH], check=True)
        wave, rate = soundfile.read(wav, dtype="int16")
    soundfile.write(path, wave, rate, subtype="PCM_16")


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(20240501)
    for name, (rate, channels, seconds, peak, file_format, subtype) in FILES.items():
        wave = signal(rate, channels, seconds, peak, rng)
        soundfile.write(FOLDER / name, wave, rate, format=file_format, subtype=subtype)
    make_speech(FOLDER / "speech.flac")
    for name in FILES:
        expected, _ = librosa.load(FOLDER / name, sr=16000, mono=True)
        np.save(FOLDER / f"{name}.npy", expected)
        print(f"{name}: {expected.size} samples, peak {np.abs(expected).max():.3f}")


if __name__ == "__main__":
    main()
