"""A small network that reads letters, and a quick way to train many networks like it."""

import json
import re

import keras
import numpy as np
import tensorflow as tf

Images = np.ndarray  # float32 [n, 24, 24, 1]
Labels = np.ndarray  # integers [n]


def build_network(classes: int, seed: int = 0) -> keras.Sequential:
    """Build a network for images of 24 by 24 pixels, with random weights.

    Two convolutions and a dense layer turn an image into 128 features. The last layer, ``head``,
    turns these into one logit for each class.

    Args:
        classes: how many.
        seed: of the random weights, and of all that Keras draws afterwards.
    """
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input([24, 24, 1]),
            layers.Conv2D(16, 5, strides=2, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(classes, name="head"),
        ]
    )


def train(
    model: keras.Model,
    images: Images,
    labels: Labels,
    learning_rate: float,
    steps: int,
    batch: int = 20,
) -> None:
    """Train what is trainable in a model now, with a new Adam optimizer.

    Every step sees images that are drawn at random from those given, one image perhaps twice. The
    same arguments draw the same images.

    Args:
        model: whose outputs are logits, one for each class. It need not be compiled.
        images: to learn from, in any number.
        labels: their classes, from 0 on.
        learning_rate: of Adam.
        steps: how many batches. 0 changes nothing.
        batch: how many images a step sees.
    """
    if steps == 0:
        return
    if not model.built:
        model.build((None, *images.shape[1:]))
    trainer = _trainer_for(model)
    drawn = np.random.default_rng(0).integers(len(labels), size=steps * batch)
    trained = trainer.fit(model.get_weights(), images[drawn], labels[drawn], learning_rate, batch)
    model.set_weights(trained)


def accuracy(model: keras.Model, images: Images, labels: Labels) -> float:
    """Return the share of images, from 0 to 1, for which the highest logit is that of the label."""
    guesses = np.argmax(model(images), axis=1)
    return float(np.mean(guesses == labels))


class _Trainer:
    """A copy of a model whose training is compiled, for the weights of all models built alike.

    Keras prepares each compiled model before the first step, and each call of ``fit`` as well,
    which together take longer than a short training. So a trainer is prepared once, takes all steps
    in one call, and starts with a new optimizer each time. It gives the same weights as ``fit``.
    """

    def __init__(self, model: keras.Model) -> None:
        self.model = keras.models.clone_model(model)
        self.loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.optimizer = keras.optimizers.Adam()
        self.optimizer.build(self.model.trainable_variables)
        self.new_state = [variable.numpy() for variable in self.optimizer.variables]
        batches = tf.TensorSpec([None, None, *model.input_shape[1:]], tf.float32)
        self.take_steps = tf.function(
            self._take_steps, input_signature=[batches, tf.TensorSpec([None, None], tf.int64)]
        )

    def fit(
        self,
        weights: list[np.ndarray],
        images: Images,
        labels: Labels,
        learning_rate: float,
        batch: int,
    ) -> list[np.ndarray]:
        """Return the weights after one pass over the images, in their order."""
        self.model.set_weights(weights)
        for variable, value in zip(self.optimizer.variables, self.new_state, strict=True):
            variable.assign(value)
        self.optimizer.learning_rate = learning_rate
        batches = images.reshape(-1, batch, *images.shape[1:])
        self.take_steps(batches, labels.reshape(-1, batch).astype(np.int64))
        return self.model.get_weights()

    def _take_steps(self, batches: tf.Tensor, labels: tf.Tensor) -> None:
        """Take a step for each batch: images ``[steps, batch, 24, 24, 1]``, labels likewise."""
        for step in tf.range(tf.shape(batches)[0]):
            with tf.GradientTape() as tape:
                logits = self.model(batches[step], training=True)
                loss = self.loss(labels[step], logits)
            gradients = tape.gradient(loss, self.model.trainable_weights)
            self.optimizer.apply(gradients)


_TRAINERS: dict[str, _Trainer] = {}


def _trainer_for(model: keras.Model) -> _Trainer:
    """Return the trainer of all models with these layers, of which the same are trainable."""
    config = json.dumps(model.get_config(), default=str)
    kind = re.sub(r'"name": "[^"]*"', "", config)
    if kind not in _TRAINERS:
        _TRAINERS[kind] = _Trainer(model)
    return _TRAINERS[kind]
