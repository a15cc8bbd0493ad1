"""The direct API: a model, and what it extracts."""

from __future__ import annotations

import os
import typing
from typing import Any, Literal, Sequence, Union

import numpy as np

from . import _core
from ._arguments import integer
from ._arrays import AnyArray, AnyFloats, Array, Floats, like, output_view, to_floats, vector
from ._core import Error, ModelConfig, ModelInfo

DType = Literal["f32", "bf16", "f16", "tf32"]
Device = Literal["cpu", "mlx", "gpu", "auto"]
Layer = Union[int, Literal["projected"]]
Layers = Union[Sequence[Union[Layer, None]], Literal["all"]]

#: What the C++ library calls the model's output and the stage before the transformer.
MODEL_OUTPUT = -1
PROJECTED = 0


class Origin(typing.NamedTuple):
    """What a model was loaded from, and how: enough to load it again elsewhere. A token is never kept."""

    spec: str
    config: ModelConfig | None
    threads: int
    dtype: DType
    device: Device
    revision: str | None
    cache_dir: str | None
    local_files_only: bool


class Model:
    """A ContentVec / HuBERT model: 16 kHz waveform in, one vector every 20 ms out. `contentvec.load` makes it.

    Immutable; any number of threads may use it at once. A result depends on the model and that waveform alone: not on
    the batch, the number of threads, or what ran before; bit for bit (on the MLX device, but for rounding).

    Pickled (joblib, multiprocessing's spawn, a torch DataLoader's workers), it is the path it was loaded from and the
    options, and is loaded from there again; a token for the hub is not part of it. A copy is the model itself.
    """

    def __init__(self, core: _core.Model, origin: Origin) -> None:
        if not isinstance(core, _core.Model):
            raise TypeError("a Model is made by contentvec.load()")
        self._core = core
        self._origin = origin

    def __repr__(self) -> str:
        config, origin = self.config, self._origin
        projection = f", final_proj to {config.final_dim}" if config.final_dim else ""
        where = f"{self.isa}, {self.threads} threads" if self.isa else self.device
        return (
            f"<contentvec.Model: {config.encoder_embed_dim} wide, {config.layers} layers{projection}, "
            f"{origin.dtype} on {where}, from {self.info.source}>"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        from ._load import reload

        return reload, (os.path.abspath(self.info.source), *self._origin)

    def __copy__(self) -> Model:
        return self

    def __deepcopy__(self, memo: Any) -> Model:
        return self

    @property
    def config(self) -> ModelConfig:
        """The architecture: widths, layers, `frames(samples)`, `hop`."""
        return self._core.config

    @property
    def info(self) -> ModelInfo:
        """What the checkpoint is and where its architecture was read from."""
        return self._core.info

    @property
    def dtype(self) -> DType:
        """What weights are kept in, as load() was given it."""
        return self._origin.dtype

    @property
    def device(self) -> Device:
        """Where it runs: "cpu", "gpu" (MLX on its GPU) or "mlx" (MLX on its own CPU kernels)."""
        return typing.cast(Device, self._core.device)

    @property
    def isa(self) -> str:
        """The instruction set it computes with, such as "avx2" or "neon"; empty on MLX."""
        return self._core.isa

    @property
    def threads(self) -> int:
        """Threads of one extraction on the CPU; 0 on MLX, which has its own."""
        return self._core.threads

    def prepare(self, max_samples: int = 16000) -> None:
        """Does what a first extraction of up to so many samples has to do besides, so that it need not: takes memory,
        starts threads, and on a GPU has MLX compile its kernels, which takes up to a minute once on a machine. Where
        nobody did, the first extraction says so to `logging`'s "contentvec" while it waits.

        Raises contentvec.Error.
        """
        self._core.prepare(integer(max_samples, "max_samples"))

    @typing.overload
    def extract(
        self,
        waveform: AnyFloats,
        *,
        layer: Layer | None = None,
        layers: Layers | None = None,
        final_proj: bool = False,
        normalize: bool | None = None,
        speaker_embedding: AnyArray | None = None,
        out: Floats | None = None,
    ) -> Floats: ...

    @typing.overload
    def extract(
        self,
        waveform: Array,
        *,
        layer: Layer | None = None,
        layers: Layers | None = None,
        final_proj: bool = False,
        normalize: bool | None = None,
        speaker_embedding: AnyArray | None = None,
        out: Array | None = None,
    ) -> Array: ...

    @typing.overload
    def extract(
        self,
        waveform: Sequence[AnyFloats],
        *,
        layer: Layer | None = None,
        layers: Layers | None = None,
        final_proj: bool = False,
        normalize: bool | None = None,
        speaker_embedding: AnyArray | None = None,
        out: Sequence[Floats] | None = None,
    ) -> list[Floats]: ...

    @typing.overload
    def extract(
        self,
        waveform: Sequence[Array],
        *,
        layer: Layer | None = None,
        layers: Layers | None = None,
        final_proj: bool = False,
        normalize: bool | None = None,
        speaker_embedding: AnyArray | None = None,
        out: Sequence[Array] | None = None,
    ) -> list[Array]: ...

    def extract(
        self,
        waveform: Any,
        *,
        layer: Layer | None = None,
        layers: Layers | None = None,
        final_proj: bool = False,
        normalize: bool | None = None,
        speaker_embedding: Any = None,
        out: Any = None,
    ) -> Any:
        """Features of one waveform, or of each of a list of waveforms (of any lengths; nothing is padded).

        waveform: [samples] at 16 kHz mono (also [1, samples] and [samples, 1]), floating point, nominally in [-1, 1],
            at least `config.receptive_field` of them: an array of NumPy, torch, mlx, jax, or of another package that
            NumPy can read (contiguous float32 on the CPU is not copied). It must not change during the call.
        layer: the output of transformer block 1 .. `config.layers`, or "projected", the stage before them; None: the
            model's output.
        layers: several of these in one pass, or "all" blocks, in place of `layer`.
        final_proj: apply the projection of that name (RVC v1 is `layer=9, final_proj=True`).
        normalize: bring the waveform to zero mean and unit variance; None: as the checkpoint says.
        speaker_embedding: [speaker_dim], or [batch, speaker_dim] for a list; for speaker-conditioned models only.
        out: where the features are to be written, of their shape: contiguous float32 of NumPy, or of torch on the CPU;
            a list of them for a list. On the CPU device no other memory is taken for one layer of one waveform no
            longer than one before.

        Returns float32 [frames, dim], with `layers` [layers, frames, dim], as the kind of array the waveform is (on
        the waveform's device; NumPy's for other packages than those named), or `out`; a list of them for a list. There
        are `config.frames(samples)` frames, one every 20 ms; dim is `config.encoder_embed_dim`, with final_proj
        `config.final_dim`.

        Other Python threads run meanwhile, and Ctrl-C ends it. Raises contentvec.Error.
        """
        single = not isinstance(waveform, (list, tuple))
        waveforms = [waveform] if single else waveform
        numbers = self._layer_numbers(layer, layers)
        vectors = [vector(one, f"waveform {i}" if not single else "the waveform") for i, one in enumerate(waveforms)]
        speaker = None if speaker_embedding is None else to_floats(speaker_embedding, "speaker_embedding").reshape(-1)
        if out is not None:
            outs = [out] if single else out
            self._extract_into(vectors, outs, numbers, layers is not None, final_proj, normalize, speaker)
            return out
        stages = self._core.extract(vectors, numbers, final_proj, normalize, speaker)
        features = [_as_asked(view, one, layers) for view, one in zip(stages, waveforms)]
        return features[0] if single else features

    def _extract_into(
        self,
        vectors: Sequence[Any],
        outs: Sequence[Any],
        numbers: list[int],
        stages: bool,
        final_proj: bool,
        normalize: bool | None,
        speaker: Floats | None,
    ) -> None:
        if len(outs) != len(vectors):
            raise Error(f"out has {len(outs)} arrays for {len(vectors)} waveforms; give one for each")
        views = [output_view(one, stages) for one in outs]
        width = self.config.speaker_dim
        one_each = speaker is not None and len(vectors) > 1 and speaker.size == width * len(vectors)
        for i, (samples, view) in enumerate(zip(vectors, views)):
            embedding = speaker[i * width : (i + 1) * width] if speaker is not None and one_each else speaker
            self._core.extract_into(samples, view, numbers, final_proj, normalize, embedding)

    @typing.overload
    def extract_long(
        self,
        waveform: AnyFloats,
        *,
        max_seconds: float = _core.MAX_SECONDS,
        overlap_seconds: float = _core.OVERLAP_SECONDS,
        layer: Layer | None = None,
        layers: Layers | None = None,
        final_proj: bool = False,
        normalize: bool | None = None,
        speaker_embedding: AnyArray | None = None,
    ) -> Floats: ...

    @typing.overload
    def extract_long(
        self,
        waveform: Array,
        *,
        max_seconds: float = _core.MAX_SECONDS,
        overlap_seconds: float = _core.OVERLAP_SECONDS,
        layer: Layer | None = None,
        layers: Layers | None = None,
        final_proj: bool = False,
        normalize: bool | None = None,
        speaker_embedding: AnyArray | None = None,
    ) -> Array: ...

    def extract_long(
        self,
        waveform: Any,
        *,
        max_seconds: float = _core.MAX_SECONDS,
        overlap_seconds: float = _core.OVERLAP_SECONDS,
        layer: Layer | None = None,
        layers: Layers | None = None,
        final_proj: bool = False,
        normalize: bool | None = None,
        speaker_embedding: Any = None,
    ) -> Any:
        """extract() for a recording of any length, with the memory of a piece: cut at its quietest points.

        max_seconds: the longest piece, 60 s unless said; 0: never cut. A shorter recording gives what extract() gives.
        overlap_seconds: what comes before and after each piece that the model sees too; 0 to max_seconds.
        The rest as in extract(). docs/long-audio.md says how it is cut, and what that does to the features.
        """
        numbers = self._layer_numbers(layer, layers)
        speaker = None if speaker_embedding is None else to_floats(speaker_embedding, "speaker_embedding").reshape(-1)
        samples = vector(waveform, "the waveform")
        view = self._core.extract_long(samples, numbers, final_proj, normalize, speaker, max_seconds, overlap_seconds)
        return _as_asked(view, waveform, layers)

    def _layer_numbers(self, layer: Layer | None, layers: Layers | None) -> list[int]:
        if layers is None:
            return [_layer_number(layer, self.config.layers)]
        if layer is not None:
            raise Error("layer and layers were both given; layer is for one, layers for several")
        if layers == "all":
            return list(range(1, self.config.layers + 1))
        if isinstance(layers, str):
            raise Error(f'layers is "{layers}"; expected a list of numbers from 1 and "projected", or "all"')
        numbers = [_layer_number(one, self.config.layers) for one in layers]
        if not numbers:
            raise Error("layers is empty; name at least one")
        return numbers


def _as_asked(view: Any, waveform: Any, layers: Layers | None) -> Any:
    features = like(view, waveform)
    return features if layers is not None else features[0]


def _layer_number(layer: Layer | None, blocks: int) -> int:
    if layer is None:
        return MODEL_OUTPUT
    if layer == "projected":
        return PROJECTED
    if isinstance(layer, bool) or not isinstance(layer, (int, np.integer)):
        raise Error(f"a layer is {layer!r}; expected a number from 1, or \"projected\"")
    if not 1 <= layer <= blocks:
        raise Error(
            f"layer {layer} does not exist: this model's blocks are 1 to {blocks}; \"projected\" is the stage before "
            "them, and None (nothing) the model's output"
        )
    return int(layer)
