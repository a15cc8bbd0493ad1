"""NumPy, torch and mlx arrays in, the same kind out; neither torch nor mlx is imported unless its arrays come in."""

from __future__ import annotations

import typing
from typing import Any

import numpy as np
import numpy.typing as npt

from ._core import Error

Floats = npt.NDArray[np.float32]


def _kind(array: Any) -> str:
    """The package an array comes from: "numpy", "torch", "mlx" or another."""
    return type(array).__module__.partition(".")[0]


def is_mlx(array: Any) -> bool:
    return _kind(array) == "mlx"


def to_numpy(array: Any, what: str) -> npt.NDArray[Any]:
    """`array` in NumPy; its own memory where that is the CPU's. `what` names it in errors."""
    if _kind(array) == "torch":
        array = array.detach().cpu()
        return typing.cast(npt.NDArray[Any], (array.float() if array.is_floating_point() else array).numpy())
    if is_mlx(array):
        mx = _mlx()
        return np.asarray(array.astype(mx.float32) if mx.issubdtype(array.dtype, mx.floating) else array)
    try:
        if hasattr(array, "__dlpack__") and not hasattr(array, "__array__"):
            return np.from_dlpack(array)
        return np.asarray(array)
    except (BufferError, RuntimeError, TypeError, ValueError) as error:
        raise Error(f"{what} is a {type(array).__name__} that NumPy cannot read: {error}") from error


def to_floats(array: Any, what: str) -> Floats:
    """`array` as contiguous float32 in NumPy: no copy where it is that already."""
    values = to_numpy(array, what)
    _check_floating(
        np.issubdtype(values.dtype, np.floating), np.issubdtype(values.dtype, np.integer), values.dtype, what
    )
    return np.ascontiguousarray(values, dtype=np.float32)


def view_of_mlx(array: Any, what: str) -> memoryview:
    """An mlx array's own memory, of contiguous float32: no copy where it is that already."""
    mx = _mlx()
    _check_floating(mx.issubdtype(array.dtype, mx.floating), mx.issubdtype(array.dtype, mx.integer), array.dtype, what)
    return memoryview(mx.contiguous(array.astype(mx.float32)))


def _check_floating(is_floating: bool, is_integer: bool, dtype: Any, what: str) -> None:
    if not is_floating:
        hint = "; divide 16-bit samples by 32768" if is_integer else ""
        raise Error(f"{what} holds {dtype}; expected floating-point numbers, samples in [-1, 1]{hint}")


def like(result: Any, source: Any) -> Any:
    """`result` as the kind of array that `source` is, on its device."""
    if is_mlx(source):
        return result if is_mlx(result) else _mlx().array(result)
    array = np.asarray(result)
    if _kind(source) == "torch":
        import torch

        return torch.from_numpy(array).to(source.device)
    return array


def stack(rows: list[Any], length: int) -> Any:
    """[rows, length, ...] of arrays of one kind, with zeros after the end of each."""
    if is_mlx(rows[0]):
        mx = _mlx()
        return mx.stack([mx.pad(row, [(0, length - row.shape[0])] + [(0, 0)] * (row.ndim - 1)) for row in rows])
    if len(rows) == 1 and len(rows[0]) == length:
        return rows[0][None]
    padded = np.zeros((len(rows), length, *rows[0].shape[1:]), np.float32)
    for to, row in zip(padded, rows):
        to[: len(row)] = row
    return padded


def like_in_type(result: npt.NDArray[Any], source: Any) -> Any:
    """like(), in the floating-point type of `source`, too."""
    array = like(result, source)
    if _kind(source) == "torch":
        return array.to(source.dtype)
    return array.astype(source.dtype) if _kind(source) in ("numpy", "mlx") else array


def _mlx() -> Any:
    import mlx.core

    return mlx.core
