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


def to_numpy(array: Any, what: str) -> npt.NDArray[Any]:
    """`array` in NumPy; its own memory where that is the CPU's. `what` names it in errors."""
    if _kind(array) == "torch":
        array = array.detach().cpu()
        return typing.cast(npt.NDArray[Any], (array.float() if array.is_floating_point() else array).numpy())
    if _kind(array) == "mlx":
        mx = _mlx()
        return np.asarray(array.astype(mx.float32) if mx.issubdtype(array.dtype, mx.floating) else array)
    try:
        if hasattr(array, "__dlpack__") and not hasattr(array, "__array__"):
            return np.from_dlpack(array)
        return np.asarray(array)
    except (BufferError, RuntimeError, TypeError, ValueError) as error:
        raise Error(f"{what} is a {type(array).__name__} that NumPy cannot read: {error}") from error


def to_floats(array: Any, what: str) -> Floats:
    """`array` as contiguous float32: no copy where it is that already."""
    values = to_numpy(array, what)
    if not np.issubdtype(values.dtype, np.floating):
        hint = "; divide 16-bit samples by 32768" if np.issubdtype(values.dtype, np.integer) else ""
        raise Error(f"{what} holds {values.dtype}; expected floating-point numbers, samples in [-1, 1]{hint}")
    return np.ascontiguousarray(values, dtype=np.float32)


def like(result: npt.NDArray[Any], source: Any) -> Any:
    """`result` as the kind of array that `source` is, on its device."""
    if _kind(source) == "torch":
        import torch

        return torch.from_numpy(result).to(source.device)
    if _kind(source) == "mlx":
        return _mlx().array(result)
    return result


def like_in_type(result: npt.NDArray[Any], source: Any) -> Any:
    """like(), in the floating-point type of `source`, too."""
    array = like(result, source)
    if _kind(source) == "torch":
        return array.to(source.dtype)
    return array.astype(source.dtype) if _kind(source) in ("numpy", "mlx") else array


def _mlx() -> Any:
    import mlx.core

    return mlx.core
