"""mlx-rvc's interface over this library: `from contentvec.mlx_rvc import RVCPipeline, convert_voice`.

The result is RVC's where mlx-rvc's differs from it (docs/conversion.md): features of the layer and projection that the
voice was trained on, every frame of them twice, the high-pass, padding and cuts.
"""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from ._arrays import Floats
from ._audio import load_audio
from ._core import Error
from ._load import load
from ._model import Model
from ._pitch import PitchEstimator
from ._retriever import Retriever
from ._voice import Converter, Voice, standard_model, write_audio

__all__ = ["RVCPipeline", "convert_voice"]


class RVCPipeline:
    """End-to-end conversion of audio files, as mlx-rvc's class of this name."""

    def __init__(self, voice: Voice, model: Model, f0_method: str = "harvest", pitch: PitchEstimator | None = None) -> None:
        """pitch: what "rmvpe" means; None: "rmvpe" of the hub, when it is first needed."""
        self.voice, self.model, self.f0_method = voice, model, f0_method
        self.sample_rate = voice.info.sample_rate
        self._pitch = pitch

    @classmethod
    def from_pretrained(
        cls, model_path: str | os.PathLike[str], contentvec_path: str | os.PathLike[str] | None = None
    ) -> RVCPipeline:
        """A voice as Voice() opens it, and a ContentVec model; None: `contentvec` of the hub, or for a voice of version 1
        `rvc-hubert-base`, which has its final_proj."""
        voice = Voice(model_path)
        return cls(voice, load(standard_model(voice.info) if contentvec_path is None else contentvec_path))

    def convert(
        self,
        input_path: str | os.PathLike[str],
        output_path: str | os.PathLike[str],
        speaker_id: int = 0,
        f0_shift: int = 0,
        f0_method: str | None = None,
        index_path: str | os.PathLike[str] | None = None,
        index_rate: float = 0.5,
    ) -> Floats:
        """Converts an audio file and writes another; returns its samples.

        f0_shift: semitones. f0_method: "harvest" (of pyworld, where that is installed; else rmvpe, with a warning),
        "rmvpe"; None: the pipeline's. Raises contentvec.Error.
        """
        waveform = load_audio(input_path)
        f0 = self._harvest(waveform, f0_method or self.f0_method) if self.voice.info.pitch else None
        pitch = self._estimator() if self.voice.info.pitch and f0 is None else None
        retriever = None if index_path is None or index_rate == 0 else Retriever(index_path)
        converted = Converter(self.model, self.voice, pitch, retriever).convert(
            waveform, key=f0_shift, speaker=speaker_id, index_rate=index_rate, f0=f0
        )
        write_audio(output_path, converted.waveform, converted.sample_rate)
        samples: Floats = converted.waveform
        return samples

    def _estimator(self) -> PitchEstimator:
        if self._pitch is None:
            self._pitch = PitchEstimator("rmvpe")
        return self._pitch

    @staticmethod
    def _harvest(waveform: Floats, method: str) -> npt.NDArray[np.float32] | None:
        """Harvest's f0, or None where RMVPE's is to be taken."""
        if method == "rmvpe":
            return None
        if method != "harvest":
            raise Error(f'the f0_method is "{method}"; expected "harvest" or "rmvpe"')
        try:
            pyworld: Any = __import__("pyworld")
        except ImportError:
            warnings.warn("pyworld is not installed: the pitch is RMVPE's; f0_method=\"rmvpe\" says so", stacklevel=3)
            return None
        f0, _ = pyworld.harvest(waveform.astype(np.float64), 16000, f0_floor=50.0, f0_ceil=1100.0, frame_period=10.0)
        return np.asarray(f0, np.float32)


def convert_voice(
    input_path: str | os.PathLike[str],
    output_path: str | os.PathLike[str],
    model_path: str | os.PathLike[str],
    speaker_id: int = 0,
    f0_shift: int = 0,
) -> Floats:
    """RVCPipeline.from_pretrained(model_path).convert(...)."""
    return RVCPipeline.from_pretrained(model_path).convert(
        input_path, output_path, speaker_id=speaker_id, f0_shift=f0_shift
    )
