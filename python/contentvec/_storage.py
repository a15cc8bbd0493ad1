"""Files of a data set: on this machine, or wherever fsspec reaches (s3://, gs://, hdfs://, memory:// ...).

A place is a path of this machine, or the URL of another file system.
"""

from __future__ import annotations

import io
import os
import tempfile
from typing import Any, Callable, Iterator, cast

import numpy as np

from . import _core
from ._arguments import path_text
from ._arrays import Floats


def is_remote(place: str) -> bool:
    return "://" in place


def settled(path: Any, what: str) -> str:
    """`path` as a place that is the same in every process: absolute, and without file://."""
    text = path_text(path, what)
    if text.startswith("file://"):
        text = text[len("file://") :]
    return text.rstrip("/") if is_remote(text) else os.path.abspath(text)


def _filesystem(place: str) -> tuple[Any, str]:
    """fsspec's object for the file system, one for each thread, and the path there."""
    import fsspec.core

    return cast("tuple[Any, str]", fsspec.core.url_to_fs(place))


def join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if is_remote(folder) else os.path.join(folder, name)


def has_audio_name(place: str) -> bool:
    return os.path.splitext(place)[1].lower() in _core.audio_extensions()


def is_folder(place: str) -> bool:
    """On another file system its name decides: asking for each of many files takes as many requests."""
    return not has_audio_name(place) if is_remote(place) else os.path.isdir(place)


def audio_below(folder: str) -> Iterator[str]:
    """The names of the audio files in and below a folder, sorted; those that start with a dot are left out."""
    names = _remote_names(folder) if is_remote(folder) else _local_names(folder)
    for name in sorted(names):
        if has_audio_name(name) and not any(part.startswith(".") for part in name.split("/")):
            yield name


def _local_names(folder: str) -> Iterator[str]:
    for here, _, names in os.walk(folder):
        for name in names:
            yield os.path.relpath(os.path.join(here, name), folder)


def _remote_names(folder: str) -> Iterator[str]:
    files, root = _filesystem(folder)
    for path in files.find(root):
        yield path[len(root) :].lstrip("/")


def load(place: str) -> tuple[Floats, list[str]]:
    """The waveform of an audio file, and what there is to say of it."""
    if not is_remote(place):
        return _core.read_audio(place)
    files, path = _filesystem(place)
    return _core.read_audio_bytes(np.frombuffer(files.cat_file(path), np.uint8), place)


def beginning(place: str, most: int) -> tuple[bytes, int] | None:
    """The first bytes of a file, and how many it has; None where there is none."""
    try:
        if not is_remote(place):
            with open(place, "rb") as file:
                return file.read(most), os.fstat(file.fileno()).st_size
        files, path = _filesystem(place)
        return files.cat_file(path, end=most), files.size(path)
    except FileNotFoundError:
        return None


def make_folder(folder: str) -> None:
    """Makes it where it is missing, and tidies up behind processes that were killed."""
    if is_remote(folder):
        files, path = _filesystem(folder)
        files.makedirs(path, exist_ok=True)
    else:
        os.makedirs(folder, exist_ok=True)
        _core.remove_abandoned_files(folder)


def folder_of(place: str) -> str:
    return place.rpartition("/")[0] if is_remote(place) else os.path.dirname(place)


def write_features(place: str, features: Floats) -> None:
    """[frames, dim] as .npy, whole or not at all."""
    if not is_remote(place):
        return _core.write_features(place, features)
    content = io.BytesIO()
    np.lib.format.write_array(content, features, allow_pickle=False)
    _write(place, content.getbuffer())


def write_through_file(place: str, write: Callable[[str], object]) -> None:
    """What `write` writes to the path it is given, whole or not at all, as it does."""
    if not is_remote(place):
        write(place)
        return
    with tempfile.TemporaryDirectory(prefix="contentvec-") as folder:
        path = os.path.join(folder, os.path.basename(place))
        write(path)
        with open(path, "rb") as file:
            _write(place, file.read())


def _write(place: str, content: bytes | memoryview) -> None:
    """In a transaction of fsspec's: an object store has a file when its upload is complete, others rename it."""
    files, path = _filesystem(place)
    with files.transaction:
        with files.open(path, "wb") as file:
            file.write(content)


def is_features(place: str, dim: int) -> bool:
    """Whether there is a .npy file of float32 [frames, dim] that is as long as it says."""
    found = beginning(place, 256)
    if found is None:
        return False
    content, size = io.BytesIO(found[0]), found[1]
    try:
        if np.lib.format.read_magic(content) != (1, 0):
            return False
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(content)
    except ValueError:
        return False
    whole = content.tell() + 4 * int(np.prod(shape)) == size
    return whole and dtype == np.dtype("<f4") and not fortran and len(shape) == 2 and shape[0] > 0 and shape[1] == dim


def is_audio(place: str) -> bool:
    """Whether there is a WAV file that is as long as it says, or a FLAC file."""
    found = beginning(place, 12)
    if found is None:
        return False
    content, size = found
    if content[:4] == b"RIFF":
        return int.from_bytes(content[4:8], "little") + 8 == size
    return content[:4] in (b"RF64", b"fLaC")
