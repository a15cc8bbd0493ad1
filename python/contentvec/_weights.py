"""The weights of a model as arrays, by the names of a layout."""

from __future__ import annotations

from typing import Any

from . import _core
from ._arrays import Floats
from ._load import Layout, source_of
from ._model import Model


def weights_of(model: Model, layout: Layout, prefix: str = "") -> dict[str, Floats]:
    """Those whose names begin with `prefix`, in float32, read from where the model was loaded from."""
    return dict(_core.weights(source_of(model), prefix, layout, model.config))


def as_tree(flat: dict[str, Any]) -> Any:
    """{"a.0.b": x} as {"a": [{"b": x}]}: the form mlx's modules have their parameters in."""
    tree: dict[str, Any] = {}
    for name, value in flat.items():
        *folders, last = name.split(".")
        node = tree
        for folder in folders:
            node = node.setdefault(folder, {})
        node[last] = value
    return _with_lists(tree)


def _with_lists(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    if node and all(key.isdigit() for key in node):
        return [_with_lists(node.get(str(i), {})) for i in range(max(map(int, node)) + 1)]
    return {key: _with_lists(value) for key, value in node.items()}
