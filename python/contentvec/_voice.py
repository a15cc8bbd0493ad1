"""Voices and conversion: RVC's synthesizer, and the whole way from a recording to another voice."""

from __future__ import annotations

import os
import secrets
import typing
from typing import Any, Callable, Literal

import numpy as np

from . import _core
from ._arguments import instance, integer, number, path_text, word
from ._arrays import AnyArray, Floats, like, to_floats, vector
from ._audio import load_audio
from ._core import Error, VoiceInfo
from ._load import hub_options
from ._model import DType, Model
from ._pitch import Pitch, PitchEstimator, track
from ._progress import Progress
from ._retriever import Retriever

#: How samples are written: whole numbers, scaled down where the largest exceeds 0.99 as RVC does, or as they are.
Encoding = Literal["pcm16", "pcm24", "float"]


class Voice:
    """An RVC voice: content features and pitch in, waveform out. docs/voices.md says which files open.

    Immutable; any number of threads may use it at once. Pickled, it is the path it was loaded from and the options.
    """

    def __init__(
        self,
        spec: str | os.PathLike[str],
        *,
        threads: int = 0,
        dtype: DType = "f32",
        sample_rate: int | None = None,
        revision: str | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        token: str | None = None,
        local_files_only: bool = False,
        progress: Progress | None = None,
    ) -> None:
        """Opens a voice.

        spec: a .pth of RVC WebUI or Applio, safetensors, a folder or .zip with one of these, a name of the Hugging Face
            hub, or synthetic:CONFIG.json[:SEED]. Nothing in it is executed.
        threads: of one synthesis; 0: one for each CPU.
        dtype: "f32" or "bf16".
        sample_rate: of a training checkpoint (G_*.pth), which does not say.
        The rest as in contentvec.load(). Raises contentvec.Error.
        """
        with hub_options(revision, cache_dir, token, local_files_only, progress) as hub:
            self._core = _core.load_voice(
                path_text(spec, "spec"), integer(threads, "threads"), word(dtype, "dtype"), _rate(sample_rate), hub
            )
        self._options = {"threads": threads, "dtype": dtype, "sample_rate": sample_rate}

    def __repr__(self) -> str:
        info = self.info
        return f"<contentvec.Voice: {info.version}, {info.sample_rate} Hz, {info.speakers} speakers, from {info.source}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _reload, (os.path.abspath(self.info.source), self.info.source, self._options)

    @property
    def info(self) -> VoiceInfo:
        """What its file says."""
        return self._core.info

    @property
    def threads(self) -> int:
        """Threads of one synthesis."""
        return self._core.threads

    def synthesize(
        self,
        features: AnyArray,
        f0: AnyArray | None = None,
        *,
        speaker: int = 0,
        seed: int | None = None,
        skip_frames: int = 0,
        keep_frames: int | None = None,
        stretch_to: int | None = None,
        source_pitch: float = 1,
    ) -> Any:
        """Samples at info.sample_rate, as the kind of array that `features` is: info.samples_per_frame for each frame.

        features: [frames, info.feature_dim], 10 ms each: every frame of a model's twice.
        f0: [frames], Hz, 0 where unvoiced; None for a voice without pitch.
        seed: of the noise; None: another each time.
        skip_frames, keep_frames: synthesizes `keep_frames` frames from there on, those before being context.
        stretch_to: stretches them to so many, which shifts the formants. source_pitch: times f0, in the source alone.

        Other Python threads run meanwhile. Raises contentvec.Error.
        """
        rows = to_floats(features, "features")
        if rows.ndim != 2:
            raise Error(f"features have the shape {list(rows.shape)}; expected [frames, {self.info.feature_dim}]")
        curve = None if f0 is None else track(f0)
        samples = self._core.synthesize(
            rows,
            curve,
            number(source_pitch, "source_pitch"),
            integer(speaker, "speaker", 64),
            make_seed(seed),
            integer(skip_frames, "skip_frames", 64),
            -1 if keep_frames is None else integer(keep_frames, "keep_frames", 64),
            -1 if stretch_to is None else integer(stretch_to, "stretch_to", 64),
        )
        return like(samples, features)


class Converted(typing.NamedTuple):
    """A converted recording."""

    #: [samples], nominally in [-1, 1], but it may exceed that by a little: write_audio() scales it.
    waveform: Any
    #: Hz.
    sample_rate: int
    #: Of the recording, before key and interpolation.
    pitch: Pitch
    #: That the noise was made from.
    seed: int


class Converter:
    """A model, a pitch estimator, a voice and perhaps a retriever: recording in, another voice out.

    It shares their weights: any number of converters may have the same. Immutable; any number of threads may use it at
    once. docs/conversion.md says what one hears of each option.
    """

    def __init__(
        self,
        model: Model,
        voice: Voice,
        pitch: PitchEstimator | None = None,
        retriever: Retriever | None = None,
    ) -> None:
        """pitch: None for a voice without pitch, and where each conversion brings an f0 of its own.

        Raises contentvec.Error where the parts do not fit.
        """
        instance(model, Model, "model"), instance(voice, Voice, "voice")
        if pitch is not None:
            instance(pitch, PitchEstimator, "pitch")
        if retriever is not None:
            instance(retriever, Retriever, "retriever")
        self.model, self.voice, self.pitch, self.retriever = model, voice, pitch, retriever
        self._core = _core.Converter(
            model._core,
            None if pitch is None else pitch._core,
            voice._core,
            None if retriever is None else retriever._core,
        )

    def __repr__(self) -> str:
        return f"<contentvec.Converter: {self.model!r}, {self.pitch!r}, {self.voice!r}, {self.retriever!r}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return Converter, (self.model, self.voice, self.pitch, self.retriever)

    def convert(
        self,
        waveform: AnyArray,
        rate: int = 16000,
        *,
        key: float = 0,
        speaker: int = 0,
        index_rate: float = _core.INDEX_RATE,
        nprobe: int = 0,
        protect: float = 0.33,
        rms_mix_rate: float = 1,
        unvoiced: Literal["interpolate", "keep"] = "interpolate",
        threshold: float | None = None,
        f0: AnyArray | None = None,
        formant: float = 0,
        crossfade_ms: float = 0,
        seed: int | None = None,
        output_rate: int = 0,
        progress: Callable[[float], object] | None = None,
    ) -> Converted:
        """Converts a waveform, [samples] mono at `rate` Hz (1000 to 1,000,000), floating point; the result is the kind of array that it is.

        key: semitones up. speaker: of the voice's.
        index_rate: how much of the features comes from the retriever, 0 to 1; nprobe: lists to search, 0: as it says.
        protect: how much of that stays in frames without pitch, 0 to 0.5.
        rms_mix_rate: 1: the voice's loudness; 0: the recording's.
        unvoiced: frames without pitch get their neighbours', or stay without.
        threshold: as in PitchEstimator.estimate(). f0: a curve of the caller's, Hz for each 10 ms.
        formant: semitones up. crossfade_ms: at the cuts of a long recording.
        seed: of the noise; None: another each time, which Converted.seed says. output_rate: Hz; 0: the voice's own.
        progress: called with the part that is done, 0 to 1; what it raises ends the conversion.

        Other Python threads run meanwhile; Ctrl-C ends it. Raises contentvec.Error.
        """
        if unvoiced not in ("interpolate", "keep"):
            raise Error(f'unvoiced is {unvoiced!r}; expected "interpolate" or "keep"')
        used = make_seed(seed)
        curve = None if f0 is None else track(f0)
        samples, sample_rate, hertz, confidence = self._core.convert(
            vector(waveform, "the waveform"),
            integer(rate, "rate"),
            number(key, "key"),
            integer(speaker, "speaker", 64),
            number(index_rate, "index_rate"),
            integer(nprobe, "nprobe", 64),
            number(protect, "protect"),
            number(rms_mix_rate, "rms_mix_rate"),
            unvoiced == "keep",
            None if threshold is None else number(threshold, "threshold"),
            curve,
            number(formant, "formant"),
            number(crossfade_ms, "crossfade_ms"),
            used,
            integer(output_rate, "output_rate"),
            None if progress is None else lambda done: (progress(done), None)[1],
        )
        pitch = Pitch(like(hertz, waveform), like(confidence, waveform))
        return Converted(like(samples, waveform), sample_rate, pitch, used)

    def convert_file(
        self,
        input_path: str | os.PathLike[str],
        output_path: str | os.PathLike[str],
        *,
        encoding: Encoding = "pcm16",
        **options: Any,
    ) -> Converted:
        """convert() of an audio file, written to a .wav or .flac, which appears whole or not at all.

        Raises contentvec.Error where that would overwrite the recording.
        """
        if os.path.exists(output_path) and os.path.exists(input_path) and os.path.samefile(input_path, output_path):
            raise Error(f"{os.fspath(output_path)} is the recording itself: give the result another name")
        converted = self.convert(load_audio(input_path), **options)
        write_audio(output_path, converted.waveform, converted.sample_rate, encoding=encoding)
        return converted


def inspect_voice(
    spec: str | os.PathLike[str],
    *,
    sample_rate: int | None = None,
    revision: str | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    token: str | None = None,
    local_files_only: bool = False,
    progress: Progress | None = None,
) -> VoiceInfo:
    """What Voice() would open, without its weights. Raises contentvec.Error."""
    with hub_options(revision, cache_dir, token, local_files_only, progress) as hub:
        return _core.inspect_voice(path_text(spec, "spec"), _rate(sample_rate), hub)


def find_voice(
    spec: str | os.PathLike[str],
    *,
    revision: str | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    token: str | None = None,
    local_files_only: bool = False,
    progress: Progress | None = None,
) -> tuple[str, str | None]:
    """The voice in a folder, .zip or repository, for Voice(), and the index beside it, for Retriever(), or None."""
    with hub_options(revision, cache_dir, token, local_files_only, progress) as hub:
        return _core.find_voice(path_text(spec, "spec"), hub)


def standard_model(voice: VoiceInfo) -> str:
    """The model of the hub whose features a voice takes: those of version 1 take what final_proj makes of them."""
    return "rvc-hubert-base" if voice.final_proj else "contentvec"


def write_audio(
    path: str | os.PathLike[str], waveform: AnyArray, sample_rate: int, *, encoding: Encoding = "pcm16"
) -> None:
    """Writes a .wav or .flac of one channel, whole or not at all. Raises contentvec.Error."""
    samples: Floats = np.ascontiguousarray(vector(waveform, "the waveform"), np.float32)
    rate = integer(sample_rate, "sample_rate")
    _core.write_audio(path_text(path, "path"), samples, rate, word(encoding, "encoding"))


def make_seed(seed: int | None) -> int:
    if seed is None:
        return secrets.randbits(32)
    seed = integer(seed, "the seed", 128)
    if not 0 <= seed < 2**64:
        raise Error(f"the seed is {seed}; expected 0 to 2**64 - 1")
    return seed


def _rate(sample_rate: int | None) -> int | None:
    return None if sample_rate is None else integer(sample_rate, "sample_rate")


def _reload(path: str, spec: str, options: dict[str, Any]) -> Voice:
    return Voice(path if os.path.exists(path) else spec, **options)
