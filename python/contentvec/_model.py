"""The direct API: load a model, extract features."""

from __future__ import annotations

import contextlib
import os
import typing
from typing import Any, Iterator, Literal, Sequence, TypeVar, Union

import numpy as np

from . import _core
from ._arrays import Floats, is_mlx, like, to_floats, view_of_mlx
from ._core import Error, ModelConfig, ModelInfo
from ._progress import Progress, download_bar

#: A waveform and the features of it: a NumPy array, a torch tensor or an mlx array.
Array = TypeVar("Array")

DType = Literal["f32", "bf16", "f16"]
Device = Literal["cpu", "mlx", "gpu", "auto"]
Layer = Union[int, Literal["projected"]]

#: What the C++ library calls the model's output and the stage before the transformer.
MODEL_OUTPUT = -1
PROJECTED = 0


class Model:
    """A ContentVec / HuBERT model: 16 kHz waveform in, one vector every 20 ms out. `contentvec.load` makes it.

    Immutable; any number of threads may use it at once. A result depends on the model and that waveform alone: not on
    the batch, the number of threads, or what ran before; bit for bit (on the MLX device, but for rounding).
    """

    def __init__(self, core: _core.Model) -> None:
        self._core = core

    @property
    def config(self) -> ModelConfig:
        """The architecture: widths, layers, `frames(samples)`, `hop`."""
        return self._core.config

    @property
    def info(self) -> ModelInfo:
        """What the checkpoint is and where its architecture was read from."""
        return self._core.info

    @typing.overload
    def extract(
        self,
        waveform: Union[list[Array], tuple[Array, ...]],
        *,
        layer: Layer | None = None,
        layers: Sequence[Layer] | Literal["all"] | None = None,
        proj: bool = False,
        normalize: bool | None = None,
        speaker_embedding: Any = None,
    ) -> list[Array]: ...

    @typing.overload
    def extract(
        self,
        waveform: Array,
        *,
        layer: Layer | None = None,
        layers: Sequence[Layer] | Literal["all"] | None = None,
        proj: bool = False,
        normalize: bool | None = None,
        speaker_embedding: Any = None,
    ) -> Array: ...

    def extract(
        self,
        waveform: Any,
        *,
        layer: Layer | None = None,
        layers: Sequence[Layer] | Literal["all"] | None = None,
        proj: bool = False,
        normalize: bool | None = None,
        speaker_embedding: Any = None,
    ) -> Any:
        """Features of one waveform, or of each of a list of waveforms (of any lengths; nothing is padded).

        waveform: [samples] at 16 kHz mono, floating point, nominally in [-1, 1], at least `config.receptive_field` of
            them: a NumPy array, a torch tensor or an mlx array (contiguous float32 on the CPU is not copied). It must
            not change during the call.
        layer: the output of transformer block 1 .. `config.layers`, or "projected", the stage before them; None: the
            model's output.
        layers: several of these in one pass, or "all" blocks, in place of `layer`.
        proj: apply `final_proj` (RVC v1 is `layer=9, proj=True`).
        normalize: bring the waveform to zero mean and unit variance; None: as the checkpoint says.
        speaker_embedding: [speaker_dim], or [batch, speaker_dim] for a list; for speaker-conditioned models only.

        Returns float32 [frames, dim], with `layers` [layers, frames, dim], as the kind of array the waveform is (a
        torch tensor on the waveform's device); a list of them for a list. There are `config.frames(samples)` frames,
        one every 20 ms; dim is `config.encoder_embed_dim`, with proj `config.final_dim`.

        Other Python threads run meanwhile, and Ctrl-C ends it. Raises contentvec.Error.
        """
        single = not isinstance(waveform, (list, tuple))
        waveforms = [waveform] if single else waveform
        numbers = self._layer_numbers(layer, layers)
        stages = self._core.extract(
            [_vector(one, f"waveform {i}" if not single else "the waveform") for i, one in enumerate(waveforms)],
            numbers,
            proj,
            normalize,
            None if speaker_embedding is None else to_floats(speaker_embedding, "speaker_embedding").reshape(-1),
        )
        features = [like(view, one) for view, one in zip(stages, waveforms)]
        features = [all_of_it if layers is not None else all_of_it[0] for all_of_it in features]
        return features[0] if single else features

    def _layer_numbers(self, layer: Layer | None, layers: Sequence[Layer] | Literal["all"] | None) -> list[int]:
        if layers is None:
            return [MODEL_OUTPUT if layer is None else _layer_number(layer)]
        if layer is not None:
            raise Error("layer and layers were both given; layer is for one, layers for several")
        if layers == "all":
            return list(range(1, self.config.layers + 1))
        numbers = [_layer_number(one) for one in layers]
        if not numbers:
            raise Error("layers is empty; name at least one")
        return numbers


def _layer_number(layer: Layer) -> int:
    if layer == "projected":
        return PROJECTED
    if isinstance(layer, bool) or not isinstance(layer, (int, np.integer)):
        raise Error(f"a layer is {layer!r}; expected a number from 1, or \"projected\"")
    return int(layer)


def _vector(waveform: Any, what: str) -> Any:
    """[samples] that the extension reads in place."""
    samples = view_of_mlx(waveform, what) if is_mlx(waveform) else to_floats(waveform, what)
    if samples.ndim != 1:
        shape = list(samples.shape or ())
        raise Error(f"{what} has the shape {shape}; expected [samples]; several waveforms go in a list")
    return samples


def load(
    spec: str | os.PathLike[str],
    *,
    config: ModelConfig | None = None,
    threads: int = 0,
    dtype: DType = "f32",
    device: Device = "cpu",
    revision: str | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    token: str | None = None,
    local_files_only: bool = False,
    progress: Progress | None = None,
) -> Model:
    """Opens a model.

    spec: a checkpoint file (.safetensors, .pt, .pth, .bin; fairseq's, Hugging Face's or mlx-contentvec's tensor names;
        nothing in it is executed), a Hugging Face folder, a model of the Hugging Face hub (`org/repo`, `org/repo/file`
        or a short name such as `contentvec`, each also with `@revision`), or `synthetic:base`, made-up weights for
        tests. What exists on this machine is taken before any name is looked at.
    config: the architecture, whatever the checkpoint says.
    threads: of one extraction; 0: one per CPU this process may use.
    dtype: what weights are kept in and products computed from ("f16": on MLX only). Features are float32 in each.
    device: where it runs: "cpu"; "mlx", Apple's MLX on its GPU, or without one on its CPU kernels; "gpu", MLX on its GPU;
        "auto", "gpu" on Apple silicon where this build has MLX, else "cpu". devices() says what there is.

    For a model of the hub, which is downloaded once and then found in huggingface_hub's cache:
    revision: branch, tag or commit; None: what `spec` says, else "main".
    cache_dir: None: as the environment says (HF_HUB_CACHE, HF_HOME ...).
    token: for private and gated models; None: HF_TOKEN, else what `hf auth login` stored; "": none.
    local_files_only: take what the cache has, make no request.
    progress: called several times a second during a download; what it raises ends that. None: a bar on a terminal
        where tqdm is installed.

    Other Python threads run meanwhile; Ctrl-C ends a download within a second, and the next one goes on from there.
    Raises contentvec.Error.
    """
    with _hub_options(revision, cache_dir, token, local_files_only, progress) as hub:
        return Model(_core.load(os.fspath(spec), config, threads, dtype, device, hub))


def load_from_hub(
    repo: str,
    file: str,
    *,
    threads: int,
    dtype: DType,
    device: Device,
    revision: str | None,
    cache_dir: str | os.PathLike[str] | None,
    token: str | None,
    local_files_only: bool,
) -> Model:
    """load() for a file of a repository on the hub, whatever is called so on this machine."""
    with _hub_options(revision, cache_dir, token, local_files_only, None) as hub:
        return Model(_core.from_pretrained(repo, file, threads, dtype, device, hub))


@contextlib.contextmanager
def _hub_options(
    revision: str | None,
    cache_dir: str | os.PathLike[str] | None,
    token: str | None,
    local_files_only: bool,
    progress: Progress | None,
) -> Iterator[_core.HubOptions]:
    """What a download needs, with a bar that is closed in the end."""
    folder = None if cache_dir is None else os.fspath(cache_dir)
    with download_bar(progress) as shown:
        yield _core.HubOptions(revision, folder, token, local_files_only, shown)


class DeviceInfo(typing.NamedTuple):
    """One thing that `device` can be."""

    name: str
    #: Whether this build and this machine can run a model there.
    available: bool
    #: What it is; or why it is not available and what to do.
    description: str


def devices() -> list[DeviceInfo]:
    """What `device` can be: "auto", "cpu", "mlx" and "gpu", on this build and this machine."""
    return [DeviceInfo(*device) for device in _core.devices()]


def load_audio(path: str | os.PathLike[str]) -> Floats:
    """Decodes an audio file to what the models take: 16 kHz, mono, float32 [samples], nominally in [-1, 1].

    Reads wav, flac, ogg, opus, mp3, aiff ... at any rate; channels are averaged, then resampled as librosa does
    (soxr_hq). "-" reads standard input. Other Python threads run meanwhile. Raises contentvec.Error.
    """
    return _core.load_audio(os.fspath(path))
