"""helpers.lab.old_layers: names and numbers of TensorFlow 1's layers, compared with Keras'."""

import numpy as np
import pytest

INPUTS = np.linspace(-1, 2, 12, dtype=np.float32).reshape(4, 3) ** 3


@pytest.fixture(scope="module")
def layers(module):
    return module("helpers.lab.old_layers")


@pytest.fixture
def run_graph(module, tf):
    """Build a graph, give its variables their values, and run it, in a session of its own."""
    tf1 = module("tensorflow.compat.v1")

    def run_graph(build, values):
        with tf.Graph().as_default(), tf1.Session() as session:
            outputs = build()
            variables = tf1.global_variables()
            assert [variable.op.name for variable in variables] == list(values)
            for variable in variables:
                variable.load(values[variable.op.name], session)
            results = session.run(outputs)
            session.run(tf1.get_collection(tf1.GraphKeys.UPDATE_OPS))
            trained = [variable.op.name for variable in tf1.trainable_variables()]
            return results, session.run(variables), trained

    return run_graph


def test_a_dense_layer_is_a_product_and_a_bias(layers, tf, run_graph):
    kernel = np.arange(6, dtype=np.float32).reshape(3, 2)
    bias = np.float32([0.5, -0.5])
    values = {"first/kernel": kernel, "first/bias": bias}
    outputs, _, trained = run_graph(lambda: layers.dense(tf.constant(INPUTS), 2, "first"), values)
    assert np.allclose(outputs, INPUTS @ kernel + bias, rtol=1e-6)
    assert trained == ["first/kernel", "first/bias"]


def test_a_dense_layer_without_bias_has_one_variable(layers, tf, run_graph):
    kernel = np.arange(6, dtype=np.float32).reshape(3, 2)
    outputs, _, _ = run_graph(
        lambda: layers.dense(tf.constant(INPUTS), 2, "first", use_bias=False),
        {"first/kernel": kernel},
    )
    assert np.allclose(outputs, INPUTS @ kernel, rtol=1e-6)


@pytest.mark.parametrize("is_training", [True, False])
def test_batch_normalisation_is_that_of_keras(layers, module, tf, run_graph, is_training):
    values = {
        "norm/gamma": np.float32([1, 2, 3]),
        "norm/beta": np.float32([0.1, 0.2, 0.3]),
        "norm/moving_mean": np.float32([0.5, 0, -0.5]),
        "norm/moving_variance": np.float32([2, 1, 0.5]),
    }
    options = {"momentum": 0.8, "epsilon": 0.01}

    def build():
        switch = tf.constant(is_training)
        return layers.batch_normalization(tf.constant(INPUTS), switch, "norm", **options)

    outputs, moved, trained = run_graph(build, values)
    layer = module("keras").layers.BatchNormalization(**options)
    layer.build([None, 3])
    layer.set_weights(list(values.values()))
    expected = layer(INPUTS, training=is_training).numpy()
    layer.set_weights(list(values.values()))
    layer(INPUTS, training=True)
    assert np.allclose(outputs, expected, rtol=1e-5, atol=1e-6)
    assert trained == ["norm/gamma", "norm/beta"]
    assert not np.allclose(moved[2], values["norm/moving_mean"])
    for one, other in zip(moved, layer.get_weights(), strict=True):
        assert np.allclose(one, other, rtol=1e-5, atol=1e-6)


def test_the_defaults_are_those_of_keras(layers, module):
    layer = module("keras").layers.BatchNormalization()
    momentum, epsilon = layers.batch_normalization.__defaults__
    assert (momentum, epsilon) == (layer.momentum, layer.epsilon)
