"""Weights of PyTorch in a Keras model, and weights of a Keras model for PyTorch.

Needs TensorFlow and safetensors.

It is made for TensorFlow 2.16 and newer, which come with Keras 3. PyTorch is not needed here. On
its side, one line writes the file, and one line reads it:

    safetensors.torch.save_file(network.state_dict(), "network.safetensors")
    network.load_state_dict(safetensors.torch.load_file("network.safetensors"))

Build the same network in Keras, and give each layer the name that its module has in PyTorch. Here
the file is made by the recipe itself, from another Keras model:

>>> import keras
>>> from torch_weights import load_torch, save_torch
>>> def build_model(units):
...     hidden = keras.layers.Dense(8, name="hidden")
...     head = keras.layers.Dense(units, name="head")
...     return keras.Sequential([keras.Input([4]), hidden, head])
>>> save_torch(build_model(units=3), "network.safetensors")
>>> load_torch("network.safetensors", build_model(units=3))
>>> load_torch("network.safetensors", build_model(units=5))
Traceback (most recent call last):
ValueError: network.safetensors: head.weight is (3, 8), the model takes (5, 8)

The rules, for each class of layers that has weights:

=================== =====================================================================
Dense               ``weight`` transposed. After a `Flatten` of an image, or of a sequence,
                    its inputs are put in the other order, because PyTorch flattens the
                    channels first, and Keras last
Conv1D, Conv2D      ``weight`` transposed to (places, input channels, output channels)
BatchNormalization  ``weight``, ``bias``, ``running_mean``, ``running_var`` as they are
LayerNormalization  ``weight``, ``bias`` as they are
LSTM                both weights transposed, the two biases added
Embedding           ``weight`` as it is
=================== =====================================================================

It does not hold everywhere. A file has only numbers, so nobody can see in it whether the networks
compute the same: whether a convolution pads in the same way, or an activation has the same formula.
Give both networks the same input, and compare the outputs.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

try:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file, save_file
except ModuleNotFoundError:
    needs = "torch_weights.py needs safetensors: pip install safetensors"
    raise ModuleNotFoundError(needs) from None

Arrays = list[np.ndarray]
Named = dict[str, np.ndarray]

EPSILON = 1e-5  # the default of PyTorch's normalisations; Keras has 1e-3
# PyTorch counts the batches of its training beside the weights. Nothing is computed with them.
COUNTERS = ".num_batches_tracked"
# They leave each number in its place, so a flatten before them matters to a layer after them.
ELEMENTWISE = (
    "Activation",
    "Dropout",
    "ELU",
    "GaussianDropout",
    "GaussianNoise",
    "LeakyReLU",
    "ReLU",
    "Relu",
    "Rescaling",
    "Sigmoid",
    "Softmax",
    "Tanh",
)
MERGES = ("Add", "Concatenate", "Multiply")
OTHERS_WITHOUT_WEIGHTS = (
    "AveragePooling1D",
    "AveragePooling2D",
    "Cropping2D",
    "Flatten",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "InputLayer",
    "MaxPooling1D",
    "MaxPooling2D",
    "UpSampling2D",
    "ZeroPadding1D",
    "ZeroPadding2D",
)


class Rule(NamedTuple):
    """How a class of layers is written in PyTorch.

    Attributes:
        names: PyTorch's names of the layer's arrays, in the order in which `to_torch` gives them.
        to_torch: turns the layer's arrays into PyTorch's.
        to_keras: turns PyTorch's arrays into the layer's.
    """

    names: tuple[str, ...]
    to_torch: Callable[[Any, Arrays], Arrays]
    to_keras: Callable[[Any, Arrays], Arrays]


def load_torch(
    path: Path | str,
    model: keras.Model,
    prefixes: Mapping[str, str] | None = None,
    epsilon: float = EPSILON,
) -> None:
    """Read a state dict of PyTorch from a safetensors file into a Keras model.

    Every name of the file has to be used, and every layer has to find its names. If anything does
    not fit, the model is left as it was. Numbers of 16 bits are converted to those of the model.

    Args:
        path: of the file.
        model: built, Sequential or functional, channels last.
        prefixes: the name of a module in PyTorch by the name of its layer, where they differ.
        epsilon: of the normalisations in PyTorch. It does not stand in the file.

    Raises:
        ValueError: a name is missing, not used or has another shape; the file holds anything but
            floats; a layer has no rule or another epsilon. One line says which.
    """
    path = Path(path)
    layers = _layers_with_rules(model, epsilon)
    state = _read(path)
    waiting = []
    for layer in layers:
        rule = RULES[type(layer).__name__]
        expected = _in_torch(layer, prefixes or {})
        arrays = [_take(state, name, array.shape, path) for name, array in expected.items()]
        waiting.append((layer, rule.to_keras(layer, arrays)))
    if state:
        raise ValueError(f"{path.name}: no layer of the model takes {_some(state)}")
    for layer, values in waiting:
        layer.set_weights(values)


def save_torch(
    model: keras.Model,
    path: Path | str,
    prefixes: Mapping[str, str] | None = None,
    epsilon: float = EPSILON,
) -> None:
    """Write the weights of a Keras model to a safetensors file, as a state dict of PyTorch.

    An LSTM of Keras has one bias where PyTorch has two, so that the second one is written as zeros.

    Args:
        model: built, Sequential or functional, channels last.
        path: of the file, which is replaced.
        prefixes: the name of a module in PyTorch by the name of its layer, where they differ.
        epsilon: of the normalisations in PyTorch.

    Raises:
        ValueError: a layer has no rule or another epsilon, or two layers get the same name.
    """
    state: Named = {}
    for layer in _layers_with_rules(model, epsilon):
        for name, array in _in_torch(layer, prefixes or {}).items():
            if name in state:
                raise ValueError(f"two layers are called {name.rpartition('.')[0]} in PyTorch")
            # safetensors writes the bytes as they lie in memory. In a transposed array they lie
            # in the old order, and no error would tell.
            state[name] = np.ascontiguousarray(array)
    save_file(state, path, {"format": "pt"})


def _read(path: Path) -> Named:
    if not path.is_file():
        raise ValueError(f"there is no file {path.name}")
    try:
        state = load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path.name} is no intact safetensors file: {error}") from None
    state = {name: array for name, array in state.items() if not name.endswith(COUNTERS)}
    for name, array in state.items():
        # NumPy does not count bfloat16 among its own floats.
        is_float = array.dtype.name in {"float16", "bfloat16", "float32", "float64"}
        if not is_float:
            raise ValueError(f"{path.name}: {name} is {array.dtype}, and no rule is for that")
    return state


def _take(state: Named, name: str, shape: tuple[int, ...], path: Path) -> np.ndarray:
    """Take an array out of a state dict."""
    if name not in state:
        raise ValueError(f"{path.name} has no {name}; not used so far: {_some(state)}")
    array = state.pop(name)
    if array.shape != shape:
        raise ValueError(f"{path.name}: {name} is {array.shape}, the model takes {shape}")
    return array.astype("float32")


def _some(state: Named, most: int = 4) -> str:
    """The first names of a state dict, for an error of one line."""
    names = list(state)
    if len(names) > most:
        names = [*names[:most], f"{len(names) - most} more"]
    return ", ".join(names) or "nothing"


def _in_torch(layer: Any, prefixes: Mapping[str, str]) -> Named:
    """The layer's arrays under their names in PyTorch, and in its layout."""
    prefix = prefixes.get(layer.name, layer.name)
    rule = RULES[type(layer).__name__]
    arrays = rule.to_torch(layer, layer.get_weights())
    names = [name for name in rule.names if _has(layer, name)]
    return {f"{prefix}.{name}": array for name, array in zip(names, arrays, strict=True)}


def _has(layer: Any, name: str) -> bool:
    """Tell whether a layer has an array, which can be switched off when the layer is made."""
    if name.startswith("bias"):
        return bool(getattr(layer, "use_bias", True)) and bool(getattr(layer, "center", True))
    if name == "weight":
        return bool(getattr(layer, "scale", True))
    return True


def _layers_with_rules(model: keras.Model, epsilon: float) -> list[Any]:
    """All layers with weights, after everything was refused that has no rule."""
    steps = model.layers
    if not isinstance(model, keras.Sequential):
        # In a functional model, a call of keras.ops stands between the layers.
        steps = getattr(model, "operations", None)
    if steps is None or not model.built:
        raise ValueError(f"{model.name} is not a built Sequential or functional model")
    found = []
    for step in steps:
        kind = type(step).__name__
        if getattr(step, "data_format", "channels_last") != "channels_last":
            raise ValueError(
                f"layer {step.name} has its channels first: build it with channels last"
            )
        if kind in RULES:
            _check(step, epsilon)
            found.append(step)
        elif kind not in ELEMENTWISE + MERGES + OTHERS_WITHOUT_WEIGHTS:
            raise ValueError(f"layer {step.name} is of class {kind}, and there is no rule for it")
    return found


def _check(layer: Any, epsilon: float) -> None:
    """Refuse a layer that would compute something else with the same numbers."""
    found = getattr(layer, "epsilon", epsilon)
    if found != epsilon:
        raise ValueError(
            f"layer {layer.name} has epsilon={found:g}, in PyTorch it is {epsilon:g}: build the "
            f"layer with epsilon={epsilon:g}, or say epsilon= if PyTorch's is another one"
        )
    is_dense = type(layer).__name__ == "Dense"
    if not is_dense and _flattened(layer.input) is not None:
        raise ValueError(
            f"layer {layer.name} comes after a Flatten: only Dense has a rule for that"
        )


def _flattened(tensor: Any) -> tuple[int, ...] | None:
    """The shape, without the batch, that a `Flatten` on the way to a tensor takes, if one is there.

    Raises:
        ValueError: it is merged with something else.
    """
    producer, _, _ = tensor._keras_history
    kind = type(producer).__name__
    moves_numbers = kind == "Flatten" and len(producer.input.shape) > 2
    if moves_numbers:
        return tuple(producer.input.shape[1:])
    if kind in ELEMENTWISE or kind == "Flatten":
        return _flattened(producer.input)
    if kind in MERGES:
        for merged in keras.tree.flatten(producer.input):
            if _flattened(merged) is not None:
                raise ValueError(f"layer {producer.name} merges a Flatten: there is no rule for it")
    return None


def _dense_to_torch(layer: Any, arrays: Arrays) -> Arrays:
    kernel, *bias = arrays
    shape = _flattened(layer.input)
    if shape is not None:
        # (height, width, channels, units) becomes (channels, height, width, units).
        kernel = np.moveaxis(kernel.reshape(*shape, -1), -2, 0).reshape(kernel.shape)
    return [kernel.T, *bias]


def _dense_to_keras(layer: Any, arrays: Arrays) -> Arrays:
    weight, *bias = arrays
    kernel = weight.T
    shape = _flattened(layer.input)
    if shape is not None:
        *places, channels = shape
        kernel = np.moveaxis(kernel.reshape(channels, *places, -1), 0, -2).reshape(kernel.shape)
    return [kernel, *bias]


def _convolution_to_torch(layer: Any, arrays: Arrays) -> Arrays:
    kernel, *bias = arrays
    # (places, input, output) becomes (output, input, places).
    return [np.moveaxis(kernel, [-1, -2], [0, 1]), *bias]


def _convolution_to_keras(layer: Any, arrays: Arrays) -> Arrays:
    weight, *bias = arrays
    return [np.moveaxis(weight, [0, 1], [-1, -2]), *bias]


def _lstm_to_torch(layer: Any, arrays: Arrays) -> Arrays:
    kernel, recurrent, *bias = arrays
    zeros = [np.zeros_like(values) for values in bias]
    return [kernel.T, recurrent.T, *bias, *zeros]


def _lstm_to_keras(layer: Any, arrays: Arrays) -> Arrays:
    # The gates stand in the same order: input, forget, cell, output.
    kernel, recurrent, *biases = arrays
    added = [np.sum(biases, axis=0)] if biases else []
    return [kernel.T, recurrent.T, *added]


def _same(layer: Any, arrays: Arrays) -> Arrays:
    return arrays


CONVOLUTION = Rule(("weight", "bias"), _convolution_to_torch, _convolution_to_keras)
NORMALISED = ("weight", "bias", "running_mean", "running_var")
OF_LSTM = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")

RULES = {
    "BatchNormalization": Rule(NORMALISED, _same, _same),
    "Conv1D": CONVOLUTION,
    "Conv2D": CONVOLUTION,
    "Dense": Rule(("weight", "bias"), _dense_to_torch, _dense_to_keras),
    "Embedding": Rule(("weight",), _same, _same),
    "LSTM": Rule(OF_LSTM, _lstm_to_torch, _lstm_to_keras),
    "LayerNormalization": Rule(("weight", "bias"), _same, _same),
}
