"""RVC's retrieval: features drawn towards those a voice was trained on."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any, TypeVar, overload

import numpy as np
import numpy.typing as npt

from . import _core
from ._arguments import integer, number, path_text, word
from ._arrays import AnyArray, Array, like_in_type, to_floats
from ._core import Error

Precision = TypeVar("Precision", bound=np.floating[Any])


class Retriever:
    """The feature vectors of one voice, and the search for those nearest to a frame.

    Immutable; any number of threads may use it at once. A frame's result depends on the index and that frame alone.
    Needs a build with FAISS: without it every way to make one raises contentvec.Error, which says how to get it.
    docs/retrieval.md says what is computed. Pickled, one that was opened is its path, and is read from there again.
    """

    def __init__(self, index_path: str | os.PathLike[str]) -> None:
        """Opens RVC's `added_*.index` (FAISS's IndexIVFFlat with L2 distances), all of which is read into memory.

        Other Python threads run meanwhile. Raises contentvec.Error for a file that cannot be read, is damaged, is
        another kind of index, or holds no vectors (`trained_*.index`).
        """
        self._core = _core.Retriever.open(path_text(index_path, "index_path"))
        self._path: str | None = os.path.abspath(index_path)

    def __repr__(self) -> str:
        origin = f"from {self._path}" if self._path else "built here"
        return f"<contentvec.rvc.Retriever: {self.size} vectors of {self.dim} in {self.lists} lists, {origin}>"

    def __reduce__(self) -> tuple[Any, ...]:
        if self._path is None:
            raise Error("an index that was built here has no file to pickle; save() it, and pickle Retriever(that path)")
        return Retriever, (self._path,)

    def __copy__(self) -> Retriever:
        return self

    def __deepcopy__(self, memo: Any) -> Retriever:
        return self

    @classmethod
    def open(cls, index_path: str | os.PathLike[str]) -> Retriever:
        """Retriever(index_path)."""
        return cls(index_path)

    @classmethod
    def build(cls, features: AnyArray, *, threads: int = 0) -> Retriever:
        """An index as RVC's train_index builds it.

        features: [size, dim], floating point, all finite, at least 39 of them: NumPy's, torch's or mlx's.
        threads: 0: one per CPU this process may use. The same vectors give the same index for any number.
        Other Python threads run meanwhile; Ctrl-C ends it after the step under way. Raises contentvec.Error.
        """
        vectors = to_floats(features, "features")
        if vectors.ndim != 2:
            raise Error(f"features have the shape {list(vectors.shape)}; expected [size, dim]")
        return cls._of(_core.Retriever.build(vectors, integer(threads, "threads")))

    @classmethod
    def build_from_folder(cls, folder: str | os.PathLike[str], *, threads: int = 0) -> Retriever:
        """build() from all `.npy` files of a folder, by name, each [frames, dim]: RVC's 3_feature256, 3_feature768."""
        return cls._of(_core.Retriever.build_from_folder(path_text(folder, "folder"), integer(threads, "threads")))

    @classmethod
    def _of(cls, core: _core.Retriever) -> Retriever:
        made = cls.__new__(cls)
        made._core, made._path = core, None
        return made

    @property
    def size(self) -> int:
        """Vectors."""
        return self._core.size

    @property
    def dim(self) -> int:
        """Width of each: 256 for RVC v1, 768 for v2."""
        return self._core.dim

    @property
    def lists(self) -> int:
        """Lists the vectors are sorted into: the n of RVC's file names."""
        return self._core.lists

    @overload
    def blend(
        self, features: npt.NDArray[Precision], index_rate: float = _core.INDEX_RATE, *, nprobe: int = 0
    ) -> npt.NDArray[Precision]: ...

    @overload
    def blend(self, features: Array, index_rate: float = _core.INDEX_RATE, *, nprobe: int = 0) -> Array: ...

    def blend(self, features: Any, index_rate: float = _core.INDEX_RATE, *, nprobe: int = 0) -> Any:
        """Each frame drawn towards its 8 nearest vectors, weighted by (1 / squared distance)^2.

        features: [frames, dim], or [batch, frames, dim] as RVC has them, floating point, all finite.
        index_rate: 0 (the features as they are) to 1 (the vectors alone).
        nprobe: lists of the index searched for each frame; 0: as many as the index says, 1 in RVC's. More takes longer
            and misses fewer near vectors.

        Returns the same shape, type and kind of array (a torch tensor on the same device); computed in float32. A
        vector equal to the frame takes all the weight, where RVC computes NaN; a frame without neighbours stays as it
        is. Other Python threads run meanwhile. Raises contentvec.Error.
        """
        frames = to_floats(features, "features")
        if frames.ndim < 2:
            raise Error(f"features have the shape {list(frames.shape)}; expected [frames, {self.dim}]")
        rows = frames.reshape(math.prod(frames.shape[:-1]), frames.shape[-1])
        blended = self._core.blend(rows, number(index_rate, "index_rate"), integer(nprobe, "nprobe", 64))
        return like_in_type(np.reshape(blended, frames.shape), features)

    def save(self, index_path: str | os.PathLike[str]) -> None:
        """Writes an `added_*.index`, whole or not at all. Raises contentvec.Error."""
        self._core.save(path_text(index_path, "index_path"))

    def save_for_rvc(self, folder: str | os.PathLike[str], name: str) -> Path:
        """Writes both files RVC's train_index leaves in `folder`, which must exist, for the voice `name`.

        {trained,added}_IVF<lists>_Flat_nprobe_1_<name>_<v1 or v2>.index; returns the path of the added one.
        """
        return Path(self._core.save_for_rvc(path_text(folder, "folder"), word(name, "name")))
