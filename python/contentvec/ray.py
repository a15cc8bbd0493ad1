"""Whole data sets on several workers or machines, through Ray Data (`pip install 'contentvec[ray]'`).

    import contentvec.ray

    manifest = contentvec.ray.extract_dataset("recordings/", model="hubert_base.pt", output="features/", num_workers=4)
    manifest.to_pandas()                    # a row for each file: path, output, frames, error ...

It runs on the cluster that ray.init() joined, else on this machine. docs/data-sets.md says more.
"""

from __future__ import annotations

import collections
import inspect
import logging
import os
from typing import Any, Callable, Iterable, Iterator, Union

try:
    import pyarrow as pa
    import ray
    import ray.data
except ImportError as missing:
    raise ImportError(f"contentvec.ray needs Ray Data ({missing}); pip install 'contentvec[ray]'") from missing

from . import _storage
from ._arguments import integer, word
from ._core import Error
from ._dataset import Extractor, Job, Row, VoiceChanger, Worker, plan, text_of
from ._load import _absolute
from ._model import DType, Layer
from ._voice import Converter, Encoding, make_seed

log = logging.getLogger("contentvec.ray")

#: A file or folder, or several; or rows with a column `path` and perhaps `output`, a name below the output.
Paths = Union[str, "os.PathLike[str]", Iterable[Union[str, "os.PathLike[str]"]], "ray.data.Dataset"]

#: How often a task is begun whose worker is killed each time, before its files are given up: one of them may be why.
_ATTEMPTS = 4
#: Files of one task at most: what a worker that is killed may have to begin anew.
_FILES_OF_TASK = 16

_COMMON = [
    ("path", pa.string()),
    ("output", pa.string()),
    ("skipped", pa.bool_()),
    ("error", pa.string()),
    ("warnings", pa.list_(pa.string())),
    ("audio_seconds", pa.float64()),
    ("seconds", pa.float64()),
]
_FEATURES = pa.schema([*_COMMON, ("frames", pa.int64()), ("dim", pa.int64())])
_CONVERTED = pa.schema([*_COMMON, ("sample_rate", pa.int64()), ("samples", pa.int64()), ("seed", pa.uint64())])


def extract_dataset(
    paths_or_dataset: Paths,
    *,
    output: str | os.PathLike[str],
    model: str | os.PathLike[str] = "contentvec",
    layer: Layer | None = None,
    final_proj: bool = False,
    normalize: bool | None = None,
    dtype: DType = "f32",
    num_workers: int | None = None,
    cpus_per_worker: int = 1,
    skip_existing: bool = True,
) -> "ray.data.Dataset":
    """Features of audio files, one .npy each, bit for bit what `contentvec extract` writes.

    paths_or_dataset: files and folders (with those below them), as paths or URLs of fsspec's (s3://, gs://,
        memory:// ...), of which those that end in no audio format are folders; or a ray.data.Dataset whose rows have
        `path`, and perhaps `output`, the name of the output below `output`.
    output: the folder, a path or URL. Of a folder of inputs the structure is kept.
    model, layer, final_proj, normalize, dtype: as in contentvec.load() and Model.extract(). Every worker loads the
        model, from a path that its machine has too, or from the hub.
    num_workers: actors, each with a model; None: as many as the cluster's CPUs allow.
    cpus_per_worker: threads of each, and the CPUs it asks Ray for.
    skip_existing: files whose features are there, as wide as this model's, are left out: a job that ended early goes
        on where it was. Otherwise they are written anew.

    Returns the manifest, a row for each file: path, output, frames, dim, audio_seconds, seconds, skipped, warnings and
    error, which is null where all is well. A bad file is told at once (logging, "contentvec.ray") and the rest go on. A
    file appears whole or not at all; what a killed worker had begun another does. Raises contentvec.Error for inputs
    that would become the same output.
    """
    jobs = _plan(paths_or_dataset, output, ".npy")
    options = {"model": _absolute(os.fspath(model)), "layer": layer, "final_proj": final_proj, "normalize": normalize}
    return _run(jobs, Extractor, {**options, "dtype": dtype}, _FEATURES, num_workers, cpus_per_worker, skip_existing)


def convert_dataset(
    paths_or_dataset: Paths,
    *,
    output: str | os.PathLike[str],
    voice: str | os.PathLike[str],
    model: str | os.PathLike[str] | None = None,
    pitch: str | os.PathLike[str] = "rmvpe",
    index: str | os.PathLike[str] | None = None,
    format: str = "wav",
    encoding: Encoding = "pcm16",
    dtype: DType = "f32",
    seed: int | None = None,
    num_workers: int | None = None,
    cpus_per_worker: int = 1,
    skip_existing: bool = True,
    **options: Any,
) -> "ray.data.Dataset":
    """Audio files in another voice, one .wav or .flac each.

    voice: as contentvec.find_voice() takes it. model: as in contentvec.load(); None: `contentvec` of the hub, or for a
        voice of version 1 `rvc-hubert-base`, which has its final_proj. pitch: as PitchEstimator takes it; unused for a
        voice without pitch.
    index: None: the one beside the voice, where there is one; "none": none.
    format: "wav" or "flac". encoding: as in write_audio(). seed: of the noise, one for all files.
    options: of Converter.convert(): key=12, protect=0.5 ...
    The rest, and what is returned, as in extract_dataset(), with sample_rate, samples and seed in place of frames and
    dim.
    """
    known = set(inspect.signature(Converter.convert).parameters) - {"self", "waveform", "rate", "f0", "seed", "progress"}
    if unknown := sorted(set(options) - known):
        raise TypeError(f"convert_dataset() has no option {unknown[0]!r}; Converter.convert() has {', '.join(sorted(known))}")
    if word(format, "format") not in ("wav", "flac"):
        raise Error(f'format is {format!r}; expected "wav" or "flac"')
    jobs = _plan(paths_or_dataset, output, "." + format)
    makers = {
        "voice": _absolute(os.fspath(voice)),
        "model": None if model is None else _absolute(os.fspath(model)),
        "pitch": _absolute(os.fspath(pitch)),
        "index": None if index is None else _absolute(os.fspath(index)),
        "encoding": encoding,
        "dtype": dtype,
        "options": {**options, "seed": make_seed(seed)},
    }
    return _run(jobs, VoiceChanger, makers, _CONVERTED, num_workers, cpus_per_worker, skip_existing)


class _Attempts:
    """How often each task was begun, and why a worker has no model, in a process that no worker takes with it."""

    def __init__(self) -> None:
        self._begun: collections.Counter[str] = collections.Counter()
        self._problem: str | None = None

    def begin(self, task: str) -> int:
        self._begun[task] += 1
        return self._begun[task]

    def stop(self, problem: str) -> None:
        self._problem = problem

    def problem(self) -> str | None:
        return self._problem


class _AttemptsElsewhere:
    """The same from other processes."""

    def __init__(self) -> None:
        self._actor = ray.remote(_Attempts).options(num_cpus=0).remote()

    def begin(self, task: str) -> int:
        begun: int = ray.get(self._actor.begin.remote(task))
        return begun

    def stop(self, problem: str) -> None:
        ray.get(self._actor.stop.remote(problem))

    def problem(self) -> str | None:
        problem: str | None = ray.get(self._actor.problem.remote())
        return problem


class _Actor:
    """A worker in a process of Ray's, which starts it again where it is killed, and its task.

    One that cannot load what it needs says so for the driver to raise, and lets its tasks pass: an exception here would
    be raised again as hundreds of lines of Ray's.
    """

    def __init__(
        self,
        make: Callable[..., Worker],
        options: dict[str, Any],
        schema: pa.Schema,
        attempts: _Attempts | _AttemptsElsewhere,
    ) -> None:
        self._schema, self._attempts = schema, attempts
        self._worker: Worker | None = None
        try:
            self._worker = make(**options)
        except Exception as error:
            self._attempts.stop(text_of(error))

    def __call__(self, table: pa.Table) -> Iterator[pa.Table]:
        jobs = [Job(row["path"], row["output"]) for row in table.to_pylist()]
        rows: Iterable[Row]
        if self._worker is None:
            rows = []
        elif self._attempts.begin(jobs[0].output) <= _ATTEMPTS:
            rows = self._worker.run(jobs)
        else:
            why = f"its worker was killed {_ATTEMPTS} times, by this file or one beside it, or for want of memory"
            rows = self._worker.give_up(jobs, why)
        for row in rows:
            yield pa.Table.from_pylist([row], schema=self._schema)


def _plan(paths: Paths, output: str | os.PathLike[str], ending: str) -> list[Job]:
    return plan(_inputs(paths), _storage.settled(output, "output"), ending)


def _inputs(paths: Paths) -> Iterator[tuple[str, str | None]]:
    if isinstance(paths, ray.data.Dataset):
        for row in paths.iter_rows():
            if "path" not in row:
                raise Error(f"the data set has the columns {', '.join(row)}; expected one that is called path")
            yield _storage.settled(row["path"], "a path"), row.get("output")
        return
    for path in [paths] if isinstance(paths, (str, bytes, os.PathLike)) else paths:
        yield _storage.settled(path, "a path"), None


def _warn_of_missing(options: dict[str, Any]) -> None:
    """Paths that are not here may be on the workers' machines."""
    for what in ("model", "voice", "pitch", "index"):
        spec = options.get(what)
        if spec and (os.path.isabs(spec) or spec.startswith(("./", "../"))) and not os.path.exists(spec):
            log.warning("%s %s is not on this machine: it has to be on every worker's", what, spec)


def _most_workers(cpus: int) -> int:
    """How many workers of so many CPUs the machines have room for now."""
    machines = [machine["Resources"] for machine in ray.nodes() if machine["Alive"]]
    return sum(int(resources.get("CPU", 0)) // cpus for resources in machines)


def _is_alone() -> bool:
    """Whether this process started Ray, for this machine: a cluster may get more machines."""
    node = getattr(ray._private.worker, "_global_node", None)
    return node is not None and bool(node.is_head())


def _check_room(workers: int, cpus: int, most: int) -> None:
    if workers <= most:
        return
    text = f"{workers} workers of {cpus} CPUs each are asked for (num_workers, cpus_per_worker), and there is room for {most}"
    if _is_alone():
        raise Error(f"{text}: ask for less, or give ray.init() more CPUs")
    log.warning("%s: the rest begin when the cluster has grown", text)


def _run(
    jobs: list[Job],
    make: Callable[..., Worker],
    options: dict[str, Any],
    schema: pa.Schema,
    num_workers: int | None,
    cpus_per_worker: int,
    skip_existing: bool,
) -> "ray.data.Dataset":
    cpus = integer(cpus_per_worker, "cpus_per_worker")
    if not ray.is_initialized():
        ray.init()
    most = _most_workers(max(1, cpus))
    workers = max(1, most) if num_workers is None else integer(num_workers, "num_workers")
    for value, what in ((cpus, "cpus_per_worker"), (workers, "num_workers")):
        if value < 1:
            raise Error(f"{what} is {value}; expected at least 1")
    _check_room(workers, cpus, most)
    _warn_of_missing(options)
    files = min(_FILES_OF_TASK, max(1, len(jobs) // (4 * workers)))
    tasks = ray.data.from_items([job._asdict() for job in jobs], override_num_blocks=-(-len(jobs) // files))
    attempts = _AttemptsElsewhere()
    manifest = tasks.map_batches(
        _Actor,
        fn_constructor_args=(make, {**options, "threads": cpus, "skip_existing": skip_existing}, schema, attempts),
        batch_size=None,
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(size=workers),
        num_cpus=cpus,
    ).materialize()
    if problem := attempts.problem():
        raise Error(f"a worker could not load what it needs: {problem}")
    _say(manifest, len(jobs))
    return manifest


def _say(manifest: "ray.data.Dataset", jobs: int) -> None:
    rows: list[Row] = manifest.take_all()
    failed = sum(row["error"] is not None for row in rows)
    skipped = sum(row["skipped"] for row in rows)
    hours = sum(row["audio_seconds"] for row in rows) / 3600
    text = "%d of %d done: %.2f h of audio, %d were there already, %d failed"
    log.log(logging.WARNING if failed else logging.INFO, text, jobs - failed, jobs, hours, skipped, failed)
