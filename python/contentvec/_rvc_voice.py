"""RVC WebUI's `Pipeline` (infer/vc/pipeline.py) and `get_synthesizer` (infer/rtrvc.py) over this library, without torch."""

from __future__ import annotations

import os
import time
import typing
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _core
from ._arrays import like, to_floats, to_numpy
from ._core import Error
from ._model import Model
from ._pitch import PitchEstimator
from ._retriever import Retriever
from ._voice import Converter, Voice


class Synthesizer:
    """A voice as RVC's `net_g`, in evaluation: infer() alone. Computed in float32 on the CPU."""

    def __init__(self, voice: Voice) -> None:
        self.voice = voice

    def _self(self, *_: Any, **__: Any) -> Synthesizer:
        return self

    # What RVC does to a module before it uses it; there is nothing to do.
    eval = to = float = half = cpu = cuda = remove_weight_norm = _self

    def infer(self, phone: Any, phone_lengths: Any, *rest: Any) -> tuple[Any, None, None]:
        """(audio [1, 1, samples], None, None), as the kind of array that `phone` [1, frames, 256 or 768] is.

        rest: pitch, nsff0, sid, and for real time skip_head, return_length, return_length2; a voice without pitch has
        not the first two. The pitch is taken from nsff0, since pitch is no more than its rounding. The noise is another
        each time, as RVC's is.
        """
        arguments = list(rest)
        nsff0 = None
        if self.voice.info.pitch:
            _, nsff0 = arguments[:2]
            arguments = arguments[2:]
        speaker, *window = (int(np.ravel(to_numpy(one, "an argument"))[0]) for one in arguments)
        frames = int(np.ravel(to_numpy(phone_lengths, "phone_lengths"))[0])
        skip, keep, stretch = window or (0, frames, frames)
        factor = stretch / keep
        f0 = None if nsff0 is None else to_floats(nsff0, "nsff0").reshape(-1)[:frames] / np.float32(factor)
        rows = to_floats(phone, "phone")
        if rows.ndim != 3 or rows.shape[0] != 1:
            raise Error(f"phone has the shape {list(rows.shape)}; expected [1, frames, {self.voice.info.feature_dim}]")
        samples = self.voice.synthesize(
            np.ascontiguousarray(rows[0, :frames]),
            f0,
            speaker=speaker,
            skip_frames=skip,
            keep_frames=keep,
            stretch_to=None if stretch == keep else stretch,
            source_pitch=factor,
        )
        return like(samples[None, None], phone), None, None


def get_synthesizer(pth_path: str | os.PathLike[str], device: Any = None) -> tuple[Synthesizer, dict[str, Any]]:
    """RVC's: the voice, and what its file says: "f0", "version", "info", and "config", of which the number of speakers
    and the sample rate are filled in, in their places of RVC's 18. The weights are not handed out."""
    voice = Voice(pth_path)
    info = voice.info
    config: list[Any] = [None] * 18
    config[-3], config[-1] = info.speakers, info.sample_rate
    return Synthesizer(voice), {"config": config, "f0": int(info.pitch), "version": info.version, **info.notes}


class Pipeline:
    """RVC's Pipeline of conversion. What it does not take over: f0 methods besides rmvpe and fcpe, and the shorter
    pieces that RVC cuts for half precision on GPUs (config.x_pad and the like are not looked at)."""

    def __init__(self, tgt_sr: int, config: Any = None) -> None:
        self.sr, self.window, self.tgt_sr = 16000, 160, tgt_sr
        self._estimators: dict[str, PitchEstimator] = {}

    def pipeline(
        self,
        model: Any,
        net_g: Synthesizer,
        sid: int,
        audio: Any,
        times: list[float],
        f0_up_key: float,
        f0_method: str,
        file_index: str | os.PathLike[str],
        index_rate: float,
        if_f0: int,
        tgt_sr: int,
        resample_sr: int,
        rms_mix_rate: float,
        version: str,
        protect: float,
    ) -> npt.NDArray[np.int16]:
        """Converts `audio`, 16 kHz mono in [-0.95, 0.95], to int16 at tgt_sr, or resample_sr where that is at least 16000.

        model: what load_hubert_model() gave, or a contentvec.Model. net_g: what get_synthesizer() gave.
        file_index: added_*.index; "" or a file that is not there: none. The seconds it took are added to times[2].
        Raises contentvec.Error.
        """
        start = time.perf_counter()
        uses_index = file_index != "" and os.path.exists(file_index) and index_rate != 0
        converter = Converter(
            _native(model),
            net_g.voice,
            self._estimator(f0_method) if if_f0 == 1 else None,
            Retriever(file_index) if uses_index else None,
        )
        converted = converter.convert(
            to_floats(audio, "audio").reshape(-1),
            key=f0_up_key,
            speaker=int(sid),
            index_rate=index_rate,
            protect=min(protect, 0.5),
            rms_mix_rate=rms_mix_rate,
            output_rate=resample_sr if tgt_sr != resample_sr >= 16000 else 0,
        )
        times[2] += time.perf_counter() - start
        samples: npt.NDArray[np.int16] = _core.to_pcm16(converted.waveform)
        return samples

    def _estimator(self, method: str) -> PitchEstimator:
        if method not in ("rmvpe", "fcpe"):
            raise ValueError(f'the f0 method is "{method}"; expected "rmvpe" or "fcpe"')
        if method not in self._estimators:
            folder = os.environ.get("rmvpe_root")
            spec = os.path.join(folder, "rmvpe.pt") if method == "rmvpe" and folder else method
            self._estimators[method] = PitchEstimator(spec)
        return self._estimators[method]


def _native(model: Any) -> Model:
    """The model behind RVC's hubert_model."""
    return typing.cast(Model, getattr(model, "model", model))
