"""`ContentvecModel`, the class of the package mlx-contentvec, over this library."""

from __future__ import annotations

import ast
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from ._arrays import is_mlx, like, stack, to_floats, to_numpy
from ._core import Error, ModelConfig
from ._load import export, inspect, load, load_from_hub
from ._model import Device, DType, Layer, Model
from ._weights import as_tree, weights_of

HF_REPO_ID = "lexandstuff/mlx-contentvec"
HF_WEIGHTS_FILE = "contentvec_base.safetensors"


class ContentvecModel:
    """ContentVec with mlx-contentvec's interface: code written for that works with `from contentvec import ...`.

    docs/mlx-contentvec.md lists what is different, and why. Arrays may be NumPy's, torch's and jax's too, and weights in
    any layout `contentvec.load` reads. Waveforms are taken as they are, never normalised, as there. Raises
    contentvec.Error; FileNotFoundError for weights that are not there.
    """

    def __init__(
        self,
        conv_feature_layers: str = "[(512,10,5)] + [(512,3,2)] * 4 + [(512,2,2)] * 2",
        conv_bias: bool = False,
        extractor_mode: str = "default",
        encoder_embed_dim: int = 768,
        encoder_ffn_embed_dim: int = 3072,
        encoder_attention_heads: int = 12,
        encoder_layers: int = 12,
        encoder_layers_1: int = 3,
        conv_pos: int = 128,
        conv_pos_groups: int = 16,
        dropout: float = 0.1,
        attention_dropout: float = 0.1,
        activation_dropout: float = 0.0,
        dropout_input: float = 0.0,
        dropout_features: float = 0.0,
        encoder_layerdrop: float = 0.0,
        activation_fn: str = "gelu",
        layer_norm_first: bool = False,
        feature_grad_mult: float = 1.0,
        dim_spk: int = 256,
        *,
        device: Device = "cpu",
        dtype: DType = "f32",
        threads: int = 0,
    ) -> None:
        """The architecture of the weights that load_weights() is to read: fairseq's names, HuBERT base by default.

        conv_feature_layers: (channels, kernel, stride) of each convolution, as a Python list, with + and *.
        encoder_layers, encoder_layers_1: plain and speaker-conditioned blocks. Where the weights have none of the
            latter, as RVC's have not, the model has none.
        dim_spk: width of the speaker embedding.
        The dropouts, encoder_layerdrop and feature_grad_mult are for training and have no effect here.
        device, dtype, threads: as in contentvec.load.
        """
        if activation_fn != "gelu":
            raise Error(f'activation_fn is "{activation_fn}"; only "gelu" is computed')
        self._config = ModelConfig.from_json(
            json.dumps(
                {
                    "conv_layers": _conv_layers(conv_feature_layers),
                    "conv_bias": conv_bias,
                    "extractor_mode": extractor_mode,
                    "encoder_embed_dim": encoder_embed_dim,
                    "encoder_ffn_embed_dim": encoder_ffn_embed_dim,
                    "encoder_attention_heads": encoder_attention_heads,
                    "encoder_layers": encoder_layers,
                    "encoder_layers_1": encoder_layers_1,
                    "conv_pos": conv_pos,
                    "conv_pos_groups": conv_pos_groups,
                    "layer_norm_first": layer_norm_first,
                    "speaker_dim": dim_spk,
                }
            ),
            "the arguments of ContentvecModel",
        )
        self._options: dict[str, Any] = {"device": device, "dtype": dtype, "threads": threads}
        self._model: Model | None = None

    @classmethod
    def from_pretrained(
        cls,
        repo_id: str = HF_REPO_ID,
        filename: str = HF_WEIGHTS_FILE,
        weights_path: str | os.PathLike[str] | None = None,
        *,
        revision: str | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        token: str | None = None,
        local_files_only: bool = False,
        device: Device = "cpu",
        dtype: DType = "f32",
        threads: int = 0,
    ) -> ContentvecModel:
        """A model with its weights, which say their architecture themselves.

        repo_id, filename: a file on the Hugging Face hub, downloaded where it is not in huggingface_hub's cache yet.
        weights_path: a file on this machine in its place.
        revision, cache_dir, token, local_files_only, device, dtype, threads: as in contentvec.load.
        """
        if weights_path is not None:
            return cls._of(load(_existing(weights_path), device=device, dtype=dtype, threads=threads))
        return cls._of(
            load_from_hub(
                repo_id,
                filename,
                device=device,
                dtype=dtype,
                threads=threads,
                revision=revision,
                cache_dir=cache_dir,
                token=token,
                local_files_only=local_files_only,
            )
        )

    @classmethod
    def _of(cls, model: Model) -> ContentvecModel:
        made = cls()
        made._config, made._model = model.config, model
        return made

    def load_weights(self, weights_path: str | os.PathLike[str]) -> None:
        """Reads the weights; they must be of the architecture the constructor was given.

        Weights without speaker-conditioned blocks are taken by a model that was to have some: it has none then.
        """
        path = _existing(weights_path)
        if self._config.encoder_layers_1 > 0:
            without = _changed(self._config, encoder_layers_1=0)
            try:
                inspect(path, config=without, digest=False)
                self._config = without
            except Error:
                pass  # it has them, or load() says what is wrong with it
        self._model = load(path, config=self._config, **self._options)

    def save_weights(self, file: str | os.PathLike[str]) -> None:
        """Writes the weights as a .safetensors file that mlx-contentvec loads too, or as NumPy's .npz."""
        path = os.fspath(file)
        if path.endswith(".npz"):
            np.savez(path, allow_pickle=False, **weights_of(self._loaded(), "mlx"))
        elif path.endswith(".safetensors"):
            export(self._loaded(), path, layout="mlx")
        else:
            raise ValueError(f"{path} ends neither in .safetensors nor in .npz")

    def parameters(self) -> dict[str, Any]:
        """The weights in float32 as mlx's modules give them, nested dicts and lists: mlx arrays where mlx is installed,
        else NumPy's. Read from where the model was loaded from, anew each time; changing them changes nothing.
        """
        tree: dict[str, Any] = as_tree({name: _as_mlx(x) for name, x in weights_of(self._loaded(), "mlx").items()})
        return tree

    @property
    def feature_extractor(self) -> Submodule:
        """The convolutions."""
        return Submodule(self, "feature_extractor")

    @property
    def layer_norm(self) -> Submodule:
        """The LayerNorm after the convolutions."""
        return Submodule(self, "layer_norm")

    @property
    def post_extract_proj(self) -> Submodule | None:
        """The projection after that; None where the convolutions are as wide as the blocks."""
        same = self._config.conv_layers[-1][0] == self._config.encoder_embed_dim
        return None if same else Submodule(self, "post_extract_proj")

    @property
    def encoder(self) -> Submodule:
        """The positional convolution and the transformer's blocks."""
        return Submodule(self, "encoder")

    @property
    def training(self) -> bool:
        """False: there is inference only."""
        return False

    def eval(self) -> ContentvecModel:
        """Inference, which is all there is: returns the model as it is."""
        return self

    def train(self, mode: bool = True) -> ContentvecModel:
        """eval() for mode=False; else contentvec.Error, since nothing here can be trained."""
        if mode:
            raise Error("ContentvecModel computes features only, it cannot be trained; leave train() out")
        return self

    def forward_features(self, source: Any, padding_mask: Any = None) -> Any:
        """contentvec.Error: the convolutions' own output, before LayerNorm and projection, is not kept anywhere.

        The stage after these is extract_features(source, ret_conv=True).
        """
        raise Error(
            "forward_features() is not computed here: the output of the convolutions is normalised and projected as it "
            "is made; extract_features(source, ret_conv=True) gives what comes of that"
        )

    def _loaded(self) -> Model:
        if self._model is None:
            raise Error("this model has no weights yet; call load_weights(path), or use from_pretrained()")
        return self._model

    @property
    def config(self) -> ModelConfig:
        """The architecture."""
        return self._config

    def __call__(
        self,
        source: Any,
        spk_emb: Any = None,
        padding_mask: Any = None,
        mask: bool = False,
        features_only: bool = True,
        output_layer: int | None = None,
        tap: bool = False,
    ) -> dict[str, Any]:
        """{"x": features, "padding_mask": mask of the frames or None}; see extract_features()."""
        x, padding = self.extract_features(source, spk_emb, padding_mask, mask, output_layer=output_layer, tap=tap)
        return {"x": x, "padding_mask": padding}

    def extract_features(
        self,
        source: Any,
        spk_emb: Any = None,
        padding_mask: Any = None,
        mask: bool = False,
        ret_conv: bool = False,
        output_layer: int | None = None,
        tap: bool = False,
    ) -> tuple[Any, Any]:
        """Features of a batch, and which of its frames are padding.

        source: [batch, samples] (or [samples], a batch of one) at 16 kHz, floating point, nominally in [-1, 1]: a NumPy
            array, a torch tensor or an mlx array; the results are the same kind.
        spk_emb: [batch, dim_spk], for models with speaker-conditioned blocks, None: zeros; the others ignore it.
        padding_mask: bool [batch, samples], True at the end of a row where it is padding. Each row then gives what its
            own samples alone give.
        ret_conv: the stage before the transformer in place of the model's output.
        output_layer: the output of this block, from 1.
        mask, tap: without effect.

        Returns float32 [batch, frames, dim], zero at padding, and bool [batch, frames], True at padding; None without
        `padding_mask`. With it, `frames` is that of the longest row.
        """
        model = self._loaded()
        if output_layer is not None and not 1 <= output_layer <= self._config.layers:
            raise Error(f"output_layer is {output_layer}; this model has 1 to {self._config.layers}")
        layer: Layer | None = "projected" if ret_conv else output_layer
        rows = split_rows(source, padding_mask)
        features = model.extract(rows, layer=layer, normalize=False, speaker_embedding=self._speakers(spk_emb))
        frames = [one.shape[0] for one in features]
        x = stack(features, max(frames))
        if padding_mask is None:
            return like(x, source), None
        return like(x, source), like(np.arange(max(frames)) >= np.array(frames)[:, None], source)


    def _speakers(self, spk_emb: Any) -> Any:
        if self._config.encoder_layers_1 == 0:
            return None
        return np.zeros(self._config.speaker_dim, np.float32) if spk_emb is None else spk_emb


class Submodule:
    """A part of a ContentvecModel: what it holds. It is computed as part of the whole only."""

    def __init__(self, model: ContentvecModel, name: str) -> None:
        self._model = model
        self._name = name

    def parameters(self) -> Any:
        """Its part of the model's parameters()."""
        flat = weights_of(self._model._loaded(), "mlx", self._name + ".")
        return as_tree({name[len(self._name) + 1 :]: _as_mlx(values) for name, values in flat.items()})

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise Error(f"{self._name} is computed as part of the model only; call the model itself, or extract_features()")

    def __repr__(self) -> str:
        return f"<{self._name} of a ContentvecModel>"


def split_rows(source: Any, padding_mask: Any) -> list[Any]:
    """The rows of [batch, samples] or [samples], each without its padding: mlx arrays of an mlx array, else NumPy's."""
    samples = source if is_mlx(source) else to_floats(source, "source")
    if samples.ndim == 1:
        samples = samples[None]
    if samples.ndim != 2 or samples.shape[0] == 0:
        raise Error(f"source has the shape {list(samples.shape)}; expected [batch, samples] or [samples]")
    if padding_mask is None:
        return list(samples)
    padding = to_numpy(padding_mask, "padding_mask").astype(bool)
    padding = padding[None] if padding.ndim == 1 else padding
    if padding.shape != samples.shape:
        raise Error(f"padding_mask has the shape {list(padding.shape)}; expected source's, {list(samples.shape)}")
    if np.any(padding[:, :-1] & ~padding[:, 1:]):
        raise Error("padding_mask has samples after padding; padding is allowed at the end of a row only")
    return [row[: int(n)] for row, n in zip(samples, (~padding).sum(axis=1))]


def _as_mlx(values: Any) -> Any:
    """An mlx array where mlx is installed, since these are its interface."""
    try:
        import mlx.core as mx
    except ImportError:
        return values
    return mx.array(values)


def _changed(config: ModelConfig, **changes: Any) -> ModelConfig:
    return ModelConfig.from_json(json.dumps({**json.loads(config.to_json()), **changes}))


def _existing(path: str | os.PathLike[str]) -> str:
    text = os.fspath(path)
    if not text.startswith("synthetic:") and not Path(text).exists():
        raise FileNotFoundError(f"no weights at {text}")
    return text


def _conv_layers(text: str) -> Any:
    """A list of tuples written in Python with + and *: fairseq's conv_feature_layers."""

    def value(node: ast.expr) -> Any:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return value(node.left) + value(node.right)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            layers, times = value(node.left), value(node.right)
            if isinstance(layers, list) and isinstance(times, int) and times <= 100:
                return layers * times
        return ast.literal_eval(node)

    try:
        return value(ast.parse(text, mode="eval").body)
    except (SyntaxError, TypeError, ValueError) as error:
        raise Error(f'conv_feature_layers is "{text}"; expected a list such as [(512,10,5)] + [(512,3,2)] * 4') from error
