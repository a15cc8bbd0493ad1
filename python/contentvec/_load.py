"""Models by path or name: opened, looked at, written anew."""

from __future__ import annotations

import contextlib
import os
import re
import typing
from typing import Iterator, Literal

from . import _core
from ._arguments import integer, path_text, word
from ._core import ModelConfig, ModelInfo
from ._model import Device, DType, Model, Origin
from ._progress import Progress, download_bar

#: Whose tensor names a checkpoint has.
Layout = Literal["fairseq", "hf", "mlx"]


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
    dtype: what weights are kept in and products computed from ("f16": on MLX only; "tf32": on MLX with
        CUDA only). Features are float32 in each.
    device: where it runs: "cpu"; "mlx", Apple's MLX on its GPU, or without one on its CPU kernels; "gpu", MLX on its GPU;
        "auto", "gpu" where this build has MLX and the machine a GPU that it can use, else "cpu". devices() says what there is.

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
    name = path_text(spec, "spec")
    threads = integer(threads, "threads")
    word(dtype, "dtype"), word(device, "device")
    with hub_options(revision, cache_dir, token, local_files_only, progress) as hub:
        core = _core.load(name, config, threads, dtype, device, hub)
    return Model(core, _origin(name, config, threads, dtype, device, revision, cache_dir, local_files_only))


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
    with hub_options(revision, cache_dir, token, local_files_only, None) as hub:
        core = _core.from_pretrained(repo, file, threads, dtype, device, hub)
    name = f"{repo}/{file}"
    return Model(core, _origin(name, None, threads, dtype, device, revision, cache_dir, local_files_only))


def inspect(
    spec: str | os.PathLike[str],
    *,
    config: ModelConfig | None = None,
    digest: bool = True,
    revision: str | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    token: str | None = None,
    local_files_only: bool = False,
    progress: Progress | None = None,
) -> ModelInfo:
    """What load() would load, with its checks but for the weights' values, and without building a model.

    digest: whether `sha256` is computed, for which the whole file is read.
    The rest as in load(). Raises contentvec.Error.
    """
    with hub_options(revision, cache_dir, token, local_files_only, progress) as hub:
        return _core.inspect(path_text(spec, "spec"), config, hub, digest)


def export(
    model: Model | str | os.PathLike[str],
    path: str | os.PathLike[str],
    *,
    layout: Layout = "fairseq",
    dtype: Literal["f32", "f16"] = "f32",
    config: ModelConfig | None = None,
    revision: str | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    token: str | None = None,
    local_files_only: bool = False,
    progress: Progress | None = None,
) -> ModelInfo:
    """Writes a checkpoint anew: one safetensors file of what inference needs, which says its architecture itself.

    model: what load() takes; or a model, whose weights are read from where it was loaded from.
    path: of the file, replaced whole or left as it was.
    layout: whose tensor names: "fairseq"; "hf", which also writes the config.json and preprocessor_config.json that
        transformers' HubertModel loads; or "mlx", which mlx-contentvec loads.
    dtype: "f32" or "f16". The model's own dtype plays no part.
    The rest as in load(). Returns what was written. Raises contentvec.Error.
    """
    if isinstance(model, Model):
        spec, config = source_of(model), model.config
    else:
        spec = path_text(model, "model")
    with hub_options(revision, cache_dir, token, local_files_only, progress) as hub:
        return _core.export_model(spec, path_text(path, "path"), layout, dtype, config, hub)


def source_of(model: Model) -> str:
    """What load() takes to find a model's weights again: the very file, where there is one."""
    source = os.path.abspath(model.info.source)
    return source if os.path.exists(source) else model._origin.spec


def resolve(spec: str) -> str:
    """Where a model that load() takes is on this machine; downloaded if need be."""
    with hub_options(None, None, None, False, None) as hub:
        return _core.resolve(spec, hub)[0]


def reload(
    source: str,
    spec: str,
    config: ModelConfig | None,
    threads: int,
    dtype: DType,
    device: Device,
    revision: str | None,
    cache_dir: str | None,
    local_files_only: bool,
) -> Model:
    """A model from its pickle: from the very file, or where that is gone (another machine) as it was named."""
    if os.path.exists(source):
        core = _core.load(source, config, threads, dtype, device, _core.HubOptions(None, None, None, True, None))
        return Model(core, Origin(spec, config, threads, dtype, device, revision, cache_dir, local_files_only))
    return load(
        spec,
        config=config,
        threads=threads,
        dtype=dtype,
        device=device,
        revision=revision,
        cache_dir=cache_dir,
        local_files_only=local_files_only,
    )


def _origin(
    spec: str,
    config: ModelConfig | None,
    threads: int,
    dtype: DType,
    device: Device,
    revision: str | None,
    cache_dir: str | os.PathLike[str] | None,
    local_files_only: bool,
) -> Origin:
    folder = None if cache_dir is None else os.path.abspath(cache_dir)
    return Origin(_absolute(spec), config, threads, dtype, device, revision, folder, local_files_only)


def _absolute(spec: str) -> str:
    """`spec` as it is said from any working directory."""
    if os.path.exists(spec):
        return os.path.abspath(spec)
    synthetic = re.fullmatch(r"(synthetic:)(.*?)((?::\d+)?)", spec, re.DOTALL)
    if synthetic and os.path.exists(synthetic[2]):
        return synthetic[1] + os.path.abspath(synthetic[2]) + synthetic[3]
    return spec


@contextlib.contextmanager
def hub_options(
    revision: str | None,
    cache_dir: str | os.PathLike[str] | None,
    token: str | None,
    local_files_only: bool,
    progress: Progress | None,
) -> Iterator[_core.HubOptions]:
    """What a download needs, with a bar that is closed in the end."""
    folder = None if cache_dir is None else path_text(cache_dir, "cache_dir")
    for value, what in ((revision, "revision"), (token, "token")):
        if value is not None:
            word(value, what)
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
