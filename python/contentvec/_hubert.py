"""`HubertModelWithFinalProj`: the class Applio, w-okada's voice changer and RVC keep their HuBERT in, over this library."""

from __future__ import annotations

import os
import types
import typing
from typing import Any, Iterator

import numpy as np

from ._arrays import Floats, is_torch, like, stack, to_floats, to_numpy
from ._core import Error
from ._drop_in import split_rows
from ._load import load
from ._model import Device, DType, Layer, Model
from ._weights import weights_of

#: What transformers' from_pretrained takes that changes nothing here.
_WITHOUT_EFFECT = {
    "attn_implementation",
    "config",
    "device_map",
    "ignore_mismatched_sizes",
    "low_cpu_mem_usage",
    "output_loading_info",
    "trust_remote_code",
    "use_safetensors",
    "weights_only",
}
_FLOATS = ("float16", "bfloat16", "float32", "float64")


class Output(dict[str, Any]):
    """What a call returns: by name, as an attribute, or by place, as transformers' outputs are."""

    def __getitem__(self, key: str | int) -> Any:
        return list(self.values())[key] if isinstance(key, int) else super().__getitem__(key)

    def __getattr__(self, name: str) -> Any:
        if name not in self:
            raise AttributeError(name)
        return self[name]

    def to_tuple(self) -> tuple[Any, ...]:
        return tuple(self.values())


class FinalProj:
    """final_proj, for features a model gave: torch tensors or NumPy arrays [..., hidden_size], the same kind out."""

    def __init__(self, weight: Floats, bias: Floats) -> None:
        self.weight = weight
        self.bias = bias

    @property
    def in_features(self) -> int:
        return int(self.weight.shape[1])

    @property
    def out_features(self) -> int:
        return int(self.weight.shape[0])

    def __call__(self, features: Any) -> Any:
        rows = to_floats(features, "the features for final_proj")
        if rows.ndim == 0 or rows.shape[-1] != self.in_features:
            raise Error(f"final_proj takes [..., {self.in_features}], the features are {list(rows.shape)}")
        projected = like(rows @ self.weight.T + self.bias, features)
        return projected.to(features.dtype) if is_torch(features) else projected


class HubertModelWithFinalProj:
    """A model with the interface of transformers' HubertModel, as far as voice converters use it, and final_proj.

    Called, it takes waveforms as they are (never normalised) and gives torch tensors for torch tensors, on the device of
    the waveform and in the precision `half()`, `float()` and `to()` set (computed in float32); for NumPy arrays NumPy's
    float32. Features are computed on the CPU, or where `from_pretrained(..., engine=...)` says. Inference only. It is no
    torch.nn.Module: what such a module has besides, hooks, compilation, state_dict, is not here.

    Code written for fairseq's HuBERT finds extract_features() and final_proj.
    """

    def __init__(self, model: Model, *, dtype: Any = "float32") -> None:
        self.model = model
        self._dtype = _float_name(dtype)
        self._device: Any = "cpu"
        self._final_proj: FinalProj | None = None

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | os.PathLike[str],
        *,
        torch_dtype: Any = None,
        dtype: Any = None,
        revision: str | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        token: str | None = None,
        local_files_only: bool = False,
        engine: Device = "cpu",
        engine_dtype: DType = "f32",
        threads: int = 0,
        **others: Any,
    ) -> HubertModelWithFinalProj:
        """A model of anything contentvec.load takes: a folder of transformers', a checkpoint, a model of the hub.

        torch_dtype, dtype: the precision of the results.
        revision, cache_dir, token, local_files_only: as in contentvec.load.
        engine, engine_dtype, threads: contentvec.load's device, dtype and threads.
        Other arguments of transformers' from_pretrained change nothing. Raises contentvec.Error.
        """
        unknown = set(others) - _WITHOUT_EFFECT
        if unknown:
            raise TypeError(f"from_pretrained() takes no argument {sorted(unknown)[0]!r}")
        model = load(
            pretrained_model_name_or_path,
            device=engine,
            dtype=engine_dtype,
            threads=threads,
            revision=revision,
            cache_dir=cache_dir,
            token=token,
            local_files_only=local_files_only,
        )
        wanted = torch_dtype if dtype is None else dtype
        return cls(model, dtype="float32" if wanted in (None, "auto") else wanted)

    @property
    def config(self) -> types.SimpleNamespace:
        """transformers' names for what voice converters ask of it."""
        config = self.model.config
        return types.SimpleNamespace(
            hidden_size=config.encoder_embed_dim,
            num_hidden_layers=config.layers,
            num_attention_heads=config.encoder_attention_heads,
            intermediate_size=config.encoder_ffn_embed_dim,
            classifier_proj_size=config.final_dim,
            do_stable_layer_norm=config.layer_norm_first,
        )

    @property
    def final_proj(self) -> FinalProj | None:
        """The projection to RVC v1's 256 values; None where the checkpoint has none."""
        if self._final_proj is None and self.model.config.final_dim > 0:
            weights = weights_of(self.model, "fairseq", "final_proj.")
            self._final_proj = FinalProj(weights["final_proj.weight"], weights["final_proj.bias"])
        return self._final_proj

    def __call__(
        self,
        input_values: Any,
        attention_mask: Any = None,
        mask_time_indices: Any = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
    ) -> Any:
        """{"last_hidden_state": [batch, frames, dim]}, and with output_hidden_states "hidden_states".

        input_values: [batch, samples] at 16 kHz (or [samples], a batch of one).
        attention_mask: [batch, samples], 0 at the end of a row where it is padding: the row's features are then what
            its own samples alone give, and zero after them.
        output_hidden_states: all blocks' outputs too, by number from 1, the last as last_hidden_state; transformers'
            number 0, the first block's input, is None.
        return_dict: False: a tuple of the same.
        """
        if output_attentions or mask_time_indices is not None:
            raise Error("neither attentions nor masked time steps are computed; leave these arguments out")
        padding = None if attention_mask is None else to_numpy(attention_mask, "attention_mask") == 0
        if output_hidden_states:
            blocks = range(1, self.model.config.layers)
            *states, last = self.features_of(input_values, padding, [*blocks, None])
            output = Output(last_hidden_state=last, hidden_states=(None, *states, last))
        else:
            output = Output(last_hidden_state=self.features_of(input_values, padding, [None])[0])
        return output if return_dict is None or return_dict else output.to_tuple()

    forward = __call__

    def extract_features(
        self,
        source: Any,
        padding_mask: Any = None,
        mask: bool = False,
        ret_conv: bool = False,
        output_layer: int | None = None,
    ) -> tuple[Any, Any]:
        """fairseq's: (features [batch, frames, dim], padding_mask).

        padding_mask: [batch, samples], not 0 at the end of a row where it is padding.
        output_layer: the output of this block, from 1; None: the model's output.
        ret_conv: the stage before the transformer in its place. mask has no effect.
        """
        padding = None if padding_mask is None else to_numpy(padding_mask, "padding_mask") != 0
        return self.features_of(source, padding, ["projected" if ret_conv else output_layer])[0], padding_mask

    def features_of(self, source: Any, padding: Any, layers: list[Layer | None], final_proj: bool = False) -> list[Any]:
        """[batch, frames, dim] of each layer, as many frames as a row without padding has, zero at padding."""
        rows = split_rows(source, padding)
        features = self.model.extract(rows, layers=layers, final_proj=final_proj, normalize=False)
        frames = self.model.config.frames(source.shape[-1])
        return [self._result(stack([row[i] for row in features], frames), source) for i in range(len(layers))]

    def _result(self, features: Any, source: Any) -> Any:
        result = like(features, source)
        return result.to(self.dtype) if is_torch(source) else result

    @property
    def dtype(self) -> Any:
        """torch's dtype of the results."""
        import torch

        return getattr(torch, self._dtype)

    @property
    def device(self) -> Any:
        """The torch device it was moved to; results are on that of the waveform."""
        import torch

        return torch.device(self._device)

    def to(self, *args: Any, **kwargs: Any) -> HubertModelWithFinalProj:
        """As a module's: a device, a dtype, both, or a tensor that has them. Returns the model itself."""
        known = {"device", "dtype", "other", "tensor", "non_blocking", "copy", "memory_format"}
        if set(kwargs) - known:
            raise TypeError(f"to() takes no argument {sorted(set(kwargs) - known)[0]!r}")
        for value in (*args, *(kwargs.get(name) for name in ("device", "dtype", "other", "tensor"))):
            if value is None or isinstance(value, bool):
                continue
            if is_torch(value):
                self._device, self._dtype = value.device, _float_name(value.dtype)
            elif type(value).__name__ == "dtype" or (isinstance(value, str) and value in _FLOATS):
                self._dtype = _float_name(value)
            else:
                self._device = value
        return self

    def float(self) -> HubertModelWithFinalProj:
        return self.to("float32")

    def half(self) -> HubertModelWithFinalProj:
        return self.to("float16")

    def bfloat16(self) -> HubertModelWithFinalProj:
        return self.to("bfloat16")

    def double(self) -> HubertModelWithFinalProj:
        return self.to("float64")

    def cpu(self) -> HubertModelWithFinalProj:
        return self.to(device="cpu")

    def cuda(self, device: Any = None) -> HubertModelWithFinalProj:
        return self.to(device="cuda" if device is None else device)

    def eval(self) -> HubertModelWithFinalProj:
        return self

    def train(self, mode: bool = True) -> HubertModelWithFinalProj:
        """eval() for mode=False; else contentvec.Error, since nothing here can be trained."""
        if mode:
            raise Error("this model computes features only, it cannot be trained; call eval(), or leave train() out")
        return self

    @property
    def training(self) -> bool:
        """False: there is inference only."""
        return False

    def requires_grad_(self, requires_grad: bool = True) -> HubertModelWithFinalProj:
        return self.train(requires_grad)

    def parameters(self, recurse: bool = True) -> Iterator[Any]:
        """One empty tensor of the dtype and on the device the model was set to, which is all code asks of them."""
        import torch

        yield torch.empty(0, dtype=self.dtype, device=self.device)


def _float_name(dtype: Any) -> str:
    """"float16" of torch.float16, NumPy's or its name."""
    name = str(np.dtype(dtype)) if isinstance(dtype, type) else str(dtype).rpartition(".")[2]
    name = {"half": "float16", "float": "float32", "double": "float64"}.get(name, name)
    if name not in _FLOATS:
        raise Error(f"dtype is {dtype}; expected one of {', '.join(_FLOATS)}")
    return name
