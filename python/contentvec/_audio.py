"""Audio files."""

from __future__ import annotations

import os
import warnings
from typing import IO, Any, Union

import numpy as np

from . import _core
from ._arguments import path_text
from ._arrays import Floats
from ._core import Error

#: A path, the bytes of a file, or a file opened in binary.
AudioFile = Union[str, "os.PathLike[str]", bytes, bytearray, memoryview, IO[bytes]]


def load_audio(file: AudioFile) -> Floats:
    """Decodes an audio file to what the models take: 16 kHz, mono, float32 [samples], nominally in [-1, 1].

    file: a path ("-" reads standard input); the bytes of a file; or a file opened in binary, which is read from where
        it stands to its end.

    Reads wav, flac, ogg, opus, mp3, aiff ... at any rate; channels are averaged, then resampled as librosa does
    (soxr_hq). Other Python threads run meanwhile. What is odd about the file, such as less audio in it than its header
    promises, is a UserWarning. Raises contentvec.Error.
    """
    name, (waveform, notes) = _read(file)
    for note in notes:
        warnings.warn(f"{name}: {note}", stacklevel=2)
    return waveform


def _read(file: AudioFile) -> tuple[str, tuple[Floats, list[str]]]:
    """What stands for the file in messages, its waveform, and what there is to say of it."""
    if isinstance(file, (str, os.PathLike)):
        path = path_text(file, "the path")
        return path, _core.read_audio(path)
    if isinstance(file, (bytes, bytearray, memoryview)):
        return "the bytes given", _core.read_audio_bytes(_octets(file), "the bytes given")
    read = getattr(file, "read", None)
    if read is None:
        raise Error(f"cannot read audio from a {type(file).__name__}; expected a path, bytes or a file")
    name = getattr(file, "name", None)
    name = name if isinstance(name, str) else "the file given"
    content = read()
    if not isinstance(content, (bytes, bytearray, memoryview)):
        raise Error(f'cannot read audio from {name}: it is opened as text; open it in binary ("rb")')
    return name, _core.read_audio_bytes(_octets(content), name)


def _octets(data: bytes | bytearray | memoryview) -> Any:
    """As an array that the extension reads in place."""
    return np.frombuffer(data, np.uint8)
