"""Honest model files, as the notebooks make them: one function for each kind."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

INPUTS = np.ones((4, 64), "float32")
NUMBER = tf.TensorSpec([], tf.float32)
NUMBERS = tf.TensorSpec([None], tf.float32)

register = keras.saving.register_keras_serializable(package="course")


@register
class Centre(keras.layers.Layer):
    def __init__(self, mean, **kwargs):
        super().__init__(**kwargs)
        self.mean = mean

    def call(self, inputs):
        return inputs - self.mean

    def get_config(self):
        return {**super().get_config(), "mean": np.asarray(self.mean).tolist()}


@register
class LargestError(keras.metrics.MeanAbsoluteError):
    pass


def plain_loss(y_true, y_pred):
    return keras.ops.mean((y_true - y_pred) ** 2)


@register
def careful_loss(y_true, y_pred):
    return plain_loss(y_true, y_pred)


Centre.__module__ = LargestError.__module__ = "__main__"  # as in a notebook


class Calculator(tf.Module):
    def __init__(self):
        self.bias = tf.Variable(2.0)

    @tf.function(input_signature=[NUMBER, NUMBER])
    def __call__(self, w1, w2):
        return (w1 + w2) * self.bias

    @tf.function(input_signature=[NUMBERS, NUMBERS])
    def from_numbers(self, w1, w2):
        return {"result": (w1 + w2) * self.bias}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def from_text(self, text):
        values = tf.strings.to_number(tf.strings.split(text, "+").to_tensor())
        return self.from_numbers(values[:, 0], values[:, 1])


class Reader(tf.Module):
    def __init__(self, classifier):
        self.classifier = classifier

    @tf.function(input_signature=[tf.TensorSpec([None, 8, 8, 1], tf.float32)])
    def read(self, image):
        return {"digit": tf.argmax(self.classifier(image), axis=1)}


def save_all(folder: Path):
    save_trained(folder, "plain")
    own_layer = Centre(INPUTS.mean(axis=0))
    save_trained(folder, "own", first_layers=[own_layer], loss=careful_loss, metric=LargestError())
    save_trained(folder, "own_loss", loss=plain_loss)
    save_two_heads(folder)
    save_calculator(folder)
    save_digits_and_their_reader(folder)
    save_classic(folder)


def save_trained(folder, name, first_layers=(), loss="mse", metric="mae"):
    """A trained model as ``.keras``, and its weights as ``.weights.h5``."""
    layers = [
        keras.Input((64,)),
        *first_layers,
        keras.layers.Dense(8, "tanh", name="hidden"),
        keras.layers.Dropout(0.5),
        keras.layers.Dense(1),
    ]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=[metric], run_eagerly=True)
    model.fit(INPUTS, INPUTS[:, :1], verbose=0)
    model.save(folder / f"{name}.keras")
    model.save_weights(folder / f"{name}.weights.h5")


def save_two_heads(folder):
    shared = keras.Input((64,))
    heads = [keras.layers.Dense(1, name=name)(shared) for name in "ab"]
    keras.Model(shared, heads).save_weights(folder / "heads.weights.h5")


def save_calculator(folder):
    model = Calculator()
    signatures = {"serving_default": model.from_numbers, "from_text": model.from_text}
    tf.saved_model.save(model, folder / "calculator", signatures)


def save_digits_and_their_reader(folder):
    """A Keras model as a SavedModel by both ways, and as a part of another model."""
    layers = [
        keras.Input((8, 8, 1), name="image"),
        keras.layers.Rescaling(1 / 16),
        keras.layers.Flatten(),
        keras.layers.Dense(32, "relu"),
        keras.layers.Dense(10),
    ]
    digits = keras.Sequential(layers)
    digits.export(folder / "digits", verbose=False)
    tf.saved_model.save(digits, folder / "plain_digits")
    reader = Reader(digits)
    tf.saved_model.save(reader, folder / "reader", {"serving_default": reader.read})


def save_classic(folder):
    """A checkpoint of TensorFlow 1 with its meta graph."""
    tf1 = tf.compat.v1
    with tf.Graph().as_default(), tf1.Session() as session:
        tf.multiply(tf1.placeholder(tf.float32, name="w1"), tf1.Variable(2.0), name="product")
        session.run(tf1.global_variables_initializer())
        tf1.train.Saver().save(session, str(folder / "classic"))
