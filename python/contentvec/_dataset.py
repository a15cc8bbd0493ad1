"""Many files, one after the other: what each becomes, and a worker that does them."""

from __future__ import annotations

import collections
import dataclasses
import logging
import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Dict, Iterable, Iterator, NamedTuple, Sequence, TypeVar

from . import _storage
from ._arrays import Floats
from ._core import Error
from ._load import load
from ._model import DType, Layer, Model
from ._pitch import PitchEstimator
from ._retriever import Retriever
from ._voice import Converted, Converter, Encoding, Voice, find_voice, standard_model, write_audio

log = logging.getLogger("contentvec.ray")

#: What became of a file: a line of the manifest.
Row = Dict[str, Any]
Item = TypeVar("Item")

_RATE = 16000
#: Audio that goes through a model together, as `contentvec extract` has it.
_BATCH_SAMPLES = 30 * _RATE
#: Recordings that wait for the model, and results that wait to be written.
_WAITING = 8


class Job(NamedTuple):
    """A file, and what it becomes: places, as _storage has them."""

    path: str
    output: str


def plan(inputs: Iterable[tuple[str, str | None]], output: str, ending: str) -> list[Job]:
    """What becomes of files and folders, each with the name of its output where that is not its own.

    A folder's structure is kept. Raises Error where two files would become one, and where an output is an input.
    """
    jobs: list[Job] = []
    places: list[str] = []
    for place, name in inputs:
        places.append(place)
        if name is not None or not _storage.is_folder(place):
            own = os.path.splitext(place.rpartition("/")[2])[0] + ending if name is None else name
            jobs.append(Job(place, _storage.join(output, own)))
            continue
        for below in _storage.audio_below(place):
            found = _storage.join(place, below)
            if not found.startswith(output + "/"):  # what an earlier run made
                jobs.append(Job(found, _storage.join(output, os.path.splitext(below)[0] + ending)))
    if not jobs:
        more = f" and {len(places) - 3} more" if len(places) > 3 else ""
        given = f" ({', '.join(places[:3])}{more})" if places else ""
        raise Error(f"there is no audio file among the inputs{given}; name files or folders of them")
    _check(jobs)
    return jobs


def _check(jobs: Sequence[Job]) -> None:
    makers: dict[str, str] = {job.path: "" for job in jobs}
    for job in jobs:
        other = makers.setdefault(job.output, job.path)
        if other == "":
            raise Error(f"what {job.path} becomes would overwrite {job.output}, an input; choose another output")
        if other is not job.path:
            raise Error(
                f"{other} and {job.path} would both become {job.output}; name the folder above them, whose structure is "
                "kept, or give a data set with a column `output`"
            )


@dataclasses.dataclass
class _InHand:
    """A file on its way."""

    job: Job
    waveform: Floats | None = None
    warnings: Sequence[str] = ()
    seconds: float = 0.0
    skipped: bool = False
    problem: str | None = None
    result: Any = None

    @property
    def samples(self) -> int:
        return 0 if self.waveform is None else self.waveform.size


class Worker:
    """Does files with what it has loaded; what goes wrong with one is said in its row.

    The next files are read and those done are written, on threads of their own, while the model works.
    """

    ending: str
    together = False

    def __init__(self, threads: int, skip_existing: bool) -> None:
        self._readers = max(1, threads // 4)
        self._skip_existing = skip_existing
        self._folders: set[str] = set()

    def is_done(self, output: str) -> bool:
        """Whether there is what this worker would write, by what the file says of itself."""
        raise NotImplementedError

    def work(self, waveforms: list[Floats]) -> Sequence[Any]:
        raise NotImplementedError

    def write(self, output: str, result: Any) -> Row:
        """Writes it, whole or not at all, and says what it is."""
        raise NotImplementedError

    def run(self, jobs: Iterable[Job]) -> Iterator[Row]:
        with ThreadPoolExecutor(self._readers) as reading, ThreadPoolExecutor(1) as writing:
            read = (file.result() for file in _ahead((reading.submit(self._read, job) for job in jobs), _WAITING))
            worked = (file for batch in self._batches(read) for file in self._work(batch))
            rows = _ahead((writing.submit(self._finish, file) for file in worked), _WAITING)
            yield from (row.result() for row in rows)

    def give_up(self, jobs: Iterable[Job], why: str) -> Iterator[Row]:
        """What run() says where none of the files that are not done can be."""
        for job in jobs:
            there = self._skip_existing and self.is_done(job.output)
            yield self._finish(_InHand(job, skipped=there, problem=None if there else why))

    def _read(self, job: Job) -> _InHand:
        file, start = _InHand(job), time.perf_counter()
        try:
            if self._skip_existing and self.is_done(job.output):
                file.skipped = True
            else:
                file.waveform, file.warnings = _storage.load(job.path)
        except Exception as error:  # whatever a file system raises
            file.problem = text_of(error)
        file.seconds = time.perf_counter() - start
        return file

    def _batches(self, files: Iterable[_InHand]) -> Iterator[list[_InHand]]:
        """What goes through the model together: a longer recording alone, which is cut there."""
        batch: list[_InHand] = []
        for file in files:
            most = _BATCH_SAMPLES if self.together else 0
            if batch and sum(other.samples for other in batch) + file.samples > most:
                yield batch
                batch = []
            batch.append(file)
        if batch:
            yield batch

    def _work(self, batch: list[_InHand]) -> list[_InHand]:
        todo = [file for file in batch if file.waveform is not None]
        if not self._work_together(todo) and len(todo) > 1:
            for file in todo:
                self._work_together([file])
        return batch

    def _work_together(self, files: list[_InHand]) -> bool:
        """False when that failed: one of them spoils the batch."""
        start = time.perf_counter()
        try:
            results = self.work([file.waveform for file in files if file.waveform is not None]) if files else []
        except Exception as error:
            for file in files:
                file.problem = text_of(error)
            return False
        share = (time.perf_counter() - start) / max(1, sum(file.samples for file in files))
        for file, result in zip(files, results):
            file.problem, file.result = None, result
            file.seconds += share * file.samples
        return True

    def _finish(self, file: _InHand) -> Row:
        row: Row = {"path": file.job.path, "output": file.job.output, "warnings": list(file.warnings)}
        start = time.perf_counter()
        try:
            if file.problem is None and not file.skipped:
                self._prepare(_storage.folder_of(file.job.output))
                row.update(self.write(file.job.output, file.result))
        except Exception as error:
            file.problem = text_of(error)
        if file.problem is not None:
            log.warning("%s: %s", file.job.path, file.problem)
        seconds = file.seconds + time.perf_counter() - start
        return {**row, "skipped": file.skipped, "error": file.problem, "audio_seconds": file.samples / _RATE, "seconds": seconds}

    def _prepare(self, folder: str) -> None:
        if folder not in self._folders:
            _storage.make_folder(folder)
            self._folders.add(folder)


def _ahead(items: Iterable[Item], count: int) -> Iterator[Item]:
    """The same items; each is drawn `count` before it is asked for."""
    drawn: collections.deque[Item] = collections.deque()
    for item in items:
        drawn.append(item)
        if len(drawn) > count:
            yield drawn.popleft()
    yield from drawn


def text_of(error: Exception) -> str:
    return str(error) if isinstance(error, Error) else f"{type(error).__name__}: {error}"


class Extractor(Worker):
    """Features of recordings, as `contentvec extract` writes them."""

    together = True

    def __init__(
        self,
        *,
        model: str,
        layer: Layer | None,
        final_proj: bool,
        normalize: bool | None,
        dtype: DType,
        threads: int,
        skip_existing: bool,
    ) -> None:
        super().__init__(threads, skip_existing)
        self._model: Model = load(model, threads=threads, dtype=dtype)
        self._options: dict[str, Any] = {"layer": layer, "final_proj": final_proj, "normalize": normalize}
        config = self._model.config
        self._dim = config.final_dim if final_proj else config.encoder_embed_dim

    def is_done(self, output: str) -> bool:
        return _storage.is_features(output, self._dim)

    def work(self, waveforms: list[Floats]) -> Sequence[Any]:
        if len(waveforms) == 1:
            return [self._model.extract_long(waveforms[0], **self._options)]
        together: list[Floats] = self._model.extract(waveforms, **self._options)
        return together

    def write(self, output: str, result: Any) -> Row:
        _storage.write_features(output, result)
        return {"frames": result.shape[0], "dim": result.shape[1]}


class VoiceChanger(Worker):
    """Recordings in another voice, as `contentvec convert` writes them."""

    def __init__(
        self,
        *,
        voice: str,
        model: str | None,
        pitch: str,
        index: str | None,
        encoding: Encoding,
        dtype: DType,
        options: dict[str, Any],
        threads: int,
        skip_existing: bool,
    ) -> None:
        super().__init__(threads, skip_existing)
        spec, beside = find_voice(voice)
        found = Voice(spec, threads=threads, dtype=dtype)
        estimator = PitchEstimator(pitch, threads=threads, dtype=dtype) if found.info.pitch else None
        features = load(model or standard_model(found.info), threads=threads, dtype=dtype)
        self._converter = Converter(features, found, estimator, _index(index, beside, options))
        self._encoding, self._options = encoding, options

    def is_done(self, output: str) -> bool:
        return _storage.is_audio(output)

    def work(self, waveforms: list[Floats]) -> Sequence[Any]:
        return [self._converter.convert(waveform, **self._options) for waveform in waveforms]

    def write(self, output: str, result: Converted) -> Row:
        def write(path: str) -> None:
            write_audio(path, result.waveform, result.sample_rate, encoding=self._encoding)

        _storage.write_through_file(output, write)
        return {"sample_rate": result.sample_rate, "samples": result.waveform.size, "seed": result.seed}


def _index(given: str | None, beside: str | None, options: dict[str, Any]) -> Retriever | None:
    """The index given, else the one beside the voice; none where "none" is said or its rate is 0."""
    path = beside if given is None else given
    return None if path is None or path == "none" or options.get("index_rate") == 0 else Retriever(path)
