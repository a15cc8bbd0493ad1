"""Arrays of any kind in, the same kind out; no framework is imported unless its arrays come in."""

from __future__ import annotations

import sys
import typing
from typing import Any, Protocol, TypeVar, Union

import numpy as np
import numpy.typing as npt

from ._core import Error

Floats = npt.NDArray[np.float32]
#: NumPy's arrays of floating-point numbers, of any precision.
AnyFloats = npt.NDArray[np.floating[Any]]


class ArrayLike(Protocol):
    """An array of a framework: a torch tensor, an mlx or jax array, or another that NumPy can read."""

    @property
    def shape(self) -> Any: ...

    @property
    def dtype(self) -> Any: ...

    def __getitem__(self, index: Any, /) -> Any: ...


AnyArray = Union[npt.NDArray[Any], ArrayLike]
#: A waveform, and the features of it.
Array = TypeVar("Array", bound=ArrayLike)


def _is(array: Any, module: str, name: str) -> bool:
    """Whether `array` is an instance of that class, whose package is loaded if so."""
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(array, getattr(loaded, name, ()))


def is_mlx(array: Any) -> bool:
    return _is(array, "mlx.core", "array")


def is_torch(array: Any) -> bool:
    return _is(array, "torch", "Tensor")


def is_jax(array: Any) -> bool:
    return _is(array, "jax", "Array")


def to_numpy(array: Any, what: str) -> npt.NDArray[Any]:
    """`array` in NumPy; its own memory where that is the CPU's. `what` names it in errors."""
    try:
        if is_torch(array):
            array = array.detach().cpu()
            return typing.cast(npt.NDArray[Any], (array.float() if array.is_floating_point() else array).numpy())
        if is_mlx(array):
            mx = _mlx()
            return np.asarray(array.astype(mx.float32) if mx.issubdtype(array.dtype, mx.floating) else array)
        if hasattr(array, "__dlpack__") and not hasattr(array, "__array__"):
            return np.from_dlpack(array)
        return np.asarray(array)
    except (BufferError, RuntimeError, TypeError, ValueError) as error:
        raise Error(f"{what} is a {type(array).__name__} that NumPy cannot read: {error}") from error


def to_floats(array: Any, what: str) -> Floats:
    """`array` as contiguous float32 in NumPy: no copy where it is that already."""
    values = to_numpy(array, what)
    # bfloat16 and its like are not NumPy's own: no subtypes of floating, but they convert.
    is_floating = np.issubdtype(values.dtype, np.floating) or values.dtype.name.startswith(("bfloat", "float"))
    _check_floating(is_floating, "int" in values.dtype.name, values.dtype, what)
    return np.asarray(values, dtype=np.float32, order="C")


def view_of_mlx(array: Any, what: str) -> memoryview:
    """An mlx array's own memory, of contiguous float32: no copy where it is that already."""
    mx = _mlx()
    _check_floating(mx.issubdtype(array.dtype, mx.floating), mx.issubdtype(array.dtype, mx.integer), array.dtype, what)
    return memoryview(mx.contiguous(array.astype(mx.float32)))


def _check_floating(is_floating: bool, is_integer: bool, dtype: Any, what: str) -> None:
    if not is_floating:
        hint = "; divide 16-bit samples by 32768" if is_integer else ""
        raise Error(f"{what} holds {dtype}; expected floating-point numbers, samples in [-1, 1]{hint}")


def vector(waveform: Any, what: str) -> Any:
    """[samples] that the extension reads in place, of [samples], [1, samples] or [samples, 1]."""
    samples = waveform if is_mlx(waveform) else to_floats(waveform, what)
    shape = list(samples.shape)
    if len(shape) == 2 and 1 in shape:
        samples = samples.reshape(-1)
    elif len(shape) != 1:
        raise Error(f"{what} has the shape {shape}; expected [samples]{_hint(shape)}")
    return view_of_mlx(samples, what) if is_mlx(samples) else samples


def _hint(shape: list[int]) -> str:
    if len(shape) != 2 or 0 in shape:
        return "; several waveforms go in a list"
    axis = 0 if shape[0] < shape[1] else 1
    return (
        f": where these are {shape[axis]} channels of one recording, average them (.mean({axis})); "
        "where they are recordings, give a list of them"
    )


def output_view(out: Any, stages: bool) -> Any:
    """[layers, frames, dim] in the memory of an array that features are to be written into."""
    view = out
    if is_torch(out):
        try:
            view = out.detach().numpy()
        except (RuntimeError, TypeError) as error:
            raise Error(f"out is a torch tensor that cannot be written in place: {error}") from error
    if not isinstance(view, np.ndarray):
        raise Error(f"out is a {type(out).__name__}; expected an array of NumPy, or of torch on the CPU")
    if view.dtype != np.float32 or not view.flags.c_contiguous or not view.flags.writeable:
        raise Error(f"out holds {view.dtype}; expected float32, contiguous and writable")
    if view.ndim != (3 if stages else 2):
        expected = "[layers, frames, values]" if stages else "[frames, values]"
        raise Error(f"out has the shape {list(view.shape)}; expected {expected}")
    return view if stages else view[None]


def like(result: Any, source: Any) -> Any:
    """`result` as the kind of array that `source` is, on its device; NumPy's where that is of another package."""
    if is_mlx(source):
        return result if is_mlx(result) else _mlx().array(result)
    array = np.asarray(result)
    if is_torch(source):
        import torch

        return torch.from_numpy(array).to(source.device)
    if is_jax(source):
        import jax

        return jax.device_put(array, next(iter(source.devices())))
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
    if is_torch(source):
        return array.to(source.dtype)
    return array.astype(source.dtype) if isinstance(source, np.ndarray) or is_mlx(source) or is_jax(source) else array


def _mlx() -> Any:
    import mlx.core

    return mlx.core
