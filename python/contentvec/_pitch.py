"""Pitch: RVC's two estimators, and what is done with f0 once it is there."""

from __future__ import annotations

import os
import typing
from typing import Any, Literal, Sequence

import numpy as np
import numpy.typing as npt

from . import _core
from ._arguments import integer, number, path_text, word
from ._arrays import AnyArray, Floats, like, to_floats, to_numpy, vector
from ._load import hub_options
from ._model import DType
from ._progress import Progress


class Pitch(typing.NamedTuple):
    """The pitch of a recording, one value for each 10 ms: samples // 160 + 1 of each."""

    #: Hz; 0 where unvoiced.
    f0: Any
    #: The largest salience of the frame, 0 to 1.
    confidence: Any


class PitchEstimator:
    """RMVPE or FCPE: 16 kHz waveform in, Hz for each 10 ms out. docs/pitch.md says which when.

    Immutable; any number of threads may use it at once. A result depends on the model and the waveform alone, not on the
    number of threads, bit for bit. Pickled, it is the path it was loaded from and the options.
    """

    def __init__(
        self,
        spec: str | os.PathLike[str],
        *,
        threads: int = 0,
        dtype: DType = "f32",
        revision: str | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        token: str | None = None,
        local_files_only: bool = False,
        progress: Progress | None = None,
    ) -> None:
        """Opens an estimator.

        spec: a file with RMVPE's or FCPE's weights (rmvpe.pt, fcpe.pt, or safetensors with the same names; which of the
            two it is its tensors tell), the wheel or the folder of the package torchfcpe, "rmvpe" or another file of the
            Hugging Face hub, or synthetic:CONFIG.json[:SEED].
        threads: of one estimate; 0: one for each CPU.
        dtype: "f32" or "bf16".
        The rest as in contentvec.load(). Raises contentvec.Error.
        """
        with hub_options(revision, cache_dir, token, local_files_only, progress) as hub:
            self._core = _core.load_pitch(
                path_text(spec, "spec"), integer(threads, "threads"), word(dtype, "dtype"), hub
            )
        self._options = {"threads": threads, "dtype": dtype}

    def __repr__(self) -> str:
        return f"<contentvec.PitchEstimator: {self.method}, from {self._core.source}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _reload, (os.path.abspath(self._core.source), self._core.source, self._options)

    @property
    def method(self) -> Literal["rmvpe", "fcpe"]:
        """Which of the two the file holds."""
        return typing.cast(Literal["rmvpe", "fcpe"], self._core.method)

    @property
    def threads(self) -> int:
        """Threads of one estimate."""
        return self._core.threads

    @property
    def least_samples(self) -> int:
        """The least samples a waveform has: 513 for RMVPE, 1 for FCPE."""
        return self._core.least_samples

    @typing.overload
    def estimate(self, waveform: AnyArray, *, threshold: float | None = None) -> Pitch: ...

    @typing.overload
    def estimate(self, waveform: Sequence[AnyArray], *, threshold: float | None = None) -> list[Pitch]: ...

    def estimate(self, waveform: Any, *, threshold: float | None = None) -> Any:
        """The pitch of a waveform, f0 and confidence as the kind of array that it is (float32); of each of a list.

        In a list short waveforms go side by side on the threads; each gives what it gives alone, bit for bit.

        waveform: [samples] at 16 kHz mono (also [1, samples] and [samples, 1]), floating point, nominally in [-1, 1]: of
            NumPy, torch, mlx, jax, or of another package that NumPy can read.
        threshold: a frame is voiced where its confidence is above it; None: 0.03 for RMVPE, 0.006 for FCPE.

        Other Python threads run meanwhile. Raises contentvec.Error.
        """
        least = None if threshold is None else number(threshold, "threshold")
        single = not isinstance(waveform, (list, tuple))
        waveforms = [waveform] if single else waveform
        vectors = [vector(one, f"waveform {i}" if not single else "the waveform") for i, one in enumerate(waveforms)]
        pitches = [
            Pitch(like(f0, one), like(confidence, one))
            for (f0, confidence), one in zip(self._core.estimate(vectors, least), waveforms)
        ]
        return pitches[0] if single else pitches


def _reload(path: str, spec: str, options: dict[str, Any]) -> PitchEstimator:
    return PitchEstimator(path if os.path.exists(path) else spec, **options)


def interpolate_unvoiced(f0: Any) -> Any:
    """f0 with unvoiced frames (0) filled linearly between their voiced neighbours, the ends held, as RVC does."""
    return like(_core.interpolate_unvoiced(track(f0)), f0)


def shift_semitones(f0: Any, semitones: float) -> Any:
    """f0 times 2 ** (semitones / 12), for -120 to 120 semitones."""
    return like(_core.shift_semitones(track(f0), number(semitones, "semitones")), f0)


def coarse_pitch(f0: Any) -> npt.NDArray[np.int64]:
    """The pitch as RVC's synthesizer takes it: 1 to 255, evenly spaced in mel between 50 and 1100 Hz."""
    return _core.coarse_pitch(track(f0))


def track(f0: Any) -> Floats:
    """[frames] of Hz, which whole numbers may be, too."""
    values = to_numpy(f0, "f0")
    if np.issubdtype(values.dtype, np.integer):
        values = values.astype(np.float32)
    return to_floats(values, "f0").reshape(-1)
