"""Voice conversion as it is spoken, block by block."""

from __future__ import annotations

import threading
import typing
from typing import Any, Generic, Literal, TypeVar

from . import _core
from ._arrays import AnyArray, like, vector
from ._core import Error, StreamStats
from ._model import Model
from ._pitch import PitchEstimator
from ._retriever import Retriever
from ._voice import Voice, make_seed

T = TypeVar("T")


class _Setting(Generic[T]):
    """A setting of the stream it is a member of, which counts from the next block on. Raises contentvec.Error."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @typing.overload
    def __get__(self, stream: None, owner: type) -> _Setting[T]: ...

    @typing.overload
    def __get__(self, stream: VoiceStream, owner: type) -> T: ...

    def __get__(self, stream: VoiceStream | None, owner: type) -> Any:
        return self if stream is None else getattr(stream._core.settings, self._name)

    def __set__(self, stream: VoiceStream, value: T) -> None:
        stream.set(**{self._name: value})


class VoiceStream:
    """A stream of blocks: process() takes one and gives the one that is heard. docs/real-time.md says what it does.

    Any number of Python threads may use it at once: settings, stats and set_voice() beside a process() that runs, and
    blocks of several threads go through one after the other. A stream is not pickled.
    """

    #: Semitones up, -48 to 48.
    key = _Setting[float]()
    #: Semitones up, -12 to 12.
    formant = _Setting[float]()
    #: Of the voice's.
    speaker = _Setting[int]()
    #: How much of the features comes from the retriever, 0 to 1.
    index_rate = _Setting[float]()
    #: How much of what the retriever changes stays in frames without pitch, 0 to 0.5, which is all of it.
    protect = _Setting[float]()
    #: 1: loudness as synthesized; 0: as the input's.
    rms_mix_rate = _Setting[float]()
    #: 10 ms of the input that are less loud are silence to the voice; dB, -60 (none are) to 0.
    gate_db = _Setting[float]()
    #: Steady noise is taken out of what is spoken; that makes nothing later.
    denoise_input = _Setting[bool]()
    #: The same of what the voice makes of it.
    denoise_output = _Setting[bool]()
    #: Frames without pitch get their neighbours', or stay without.
    unvoiced = _Setting[Literal["interpolate", "keep"]]()
    #: The input is heard, as late as the voice would be.
    bypass = _Setting[bool]()

    def __init__(
        self,
        model: Model,
        voice: Voice,
        pitch: PitchEstimator | None = None,
        retriever: Retriever | None = None,
        *,
        rate: int = 48000,
        block_ms: float = 250,
        extra_ms: float = 2500,
        crossfade_ms: float = 50,
        search_ms: float = 10,
        quality: Literal["exact", "fast"] = "exact",
        fast_context_ms: float = 750,
        threshold: float | None = None,
        seed: int | None = None,
        **settings: Any,
    ) -> None:
        """Shares the weights of its parts, and computes a block of silence, so that the first is as fast as all others.

        pitch: None for a voice without pitch.
        rate: Hz of what goes in and comes out, a multiple of 100.
        block_ms: taken and given at a time, 20 to 2000. extra_ms: heard before it, 0 to 10,000.
        crossfade_ms: from block to block, 10 to 500. search_ms: a block may begin so much later, 10 to 100.
        quality: as RVC computes it, or in half the time, from fast_context_ms before the block.
        threshold: as in PitchEstimator.estimate(). seed: of the noise; None: another each time.
        settings: key=12 and so on, the properties of the stream.

        Raises contentvec.Error where the parts do not fit, or for a value out of range.
        """
        if quality not in ("exact", "fast"):
            raise Error(f'quality is {quality!r}; expected "exact" or "fast"')
        self.model, self.pitch = model, pitch
        self._changing = threading.Lock()
        self._core = _core.VoiceStream(
            model._core,
            None if pitch is None else pitch._core,
            voice._core,
            None if retriever is None else retriever._core,
            rate,
            block_ms,
            extra_ms,
            crossfade_ms,
            search_ms,
            quality == "fast",
            fast_context_ms,
            threshold,
            make_seed(seed),
            _changed(_core.StreamSettings(), settings),
        )

    def __repr__(self) -> str:
        return f"<contentvec.VoiceStream: blocks of {self.block} samples at {self.rate} Hz, {self.latency} late>"

    @property
    def block(self) -> int:
        """Samples that process() takes and gives."""
        return self._core.block

    @property
    def rate(self) -> int:
        """Hz."""
        return self._core.rate

    @property
    def latency(self) -> int:
        """Samples from when a sample is there to when it is heard, without what computing and the sound card take."""
        return self._core.latency

    @property
    def stats(self) -> StreamStats:
        """How it has been running."""
        return self._core.stats

    def process(self, samples: AnyArray) -> Any:
        """The block that is heard, as the kind of array that `samples` is.

        samples: [block] mono, floating point, nominally in [-1, 1].

        Other Python threads run meanwhile. Raises contentvec.Error for a block of another size, and where the voice
        gives no numbers; the stream goes on with the next block.
        """
        return like(self._core.process(vector(samples, "the block")), samples)

    def set(self, **settings: Any) -> None:
        """Changes several properties with the same block: set(key=12, formant=1). All stay where one is wrong."""
        with self._changing:
            self._core.set(_changed(self._core.settings, settings))

    def set_voice(self, voice: Voice, retriever: Retriever | None = None) -> None:
        """Speaks with another voice from the next block on, faded from the former, and with its retriever or none.

        Computes a block of silence with it first. Raises contentvec.Error where it does not fit.
        """
        with self._changing:
            self._core.set_voice(voice._core, None if retriever is None else retriever._core)

    def reset(self) -> None:
        """Forgets what it heard."""
        self._core.reset()


def _changed(settings: _core.StreamSettings, values: dict[str, Any]) -> _core.StreamSettings:
    for name, value in values.items():
        if not isinstance(vars(VoiceStream).get(name), _Setting):
            raise TypeError(f"a stream has no setting {name!r}")
        try:
            setattr(settings, name, value)
        except TypeError:
            raise TypeError(f"{name} is {value!r}, which is of the wrong type") from None
    return settings
