"""Two layers of TensorFlow 1, as ``tf.layers`` made them: the same names and the same numbers.

``tf.compat.v1.layers`` is not available with Keras 3. These two keep an old program running, and
call their variables what its checkpoints call them.
"""

import tensorflow as tf
import tensorflow.compat.v1 as tf1


def dense(inputs: tf.Tensor, units: int, name: str, use_bias: bool = True) -> tf.Tensor:
    """Add a dense layer to the graph, with the variables ``name/kernel`` and ``name/bias``.

    Args:
        inputs: of the shape [batch, features], float32.
        units: the number of outputs.
        name: the scope of its variables.
        use_bias: whether it adds a bias.

    Returns:
        A tensor of the shape [batch, units].
    """
    with tf1.variable_scope(name):
        kernel = tf1.get_variable("kernel", [inputs.shape[1], units])
        outputs = tf.matmul(inputs, kernel)
        if use_bias:
            bias = tf1.get_variable("bias", initializer=tf.zeros([units]))
            outputs = outputs + bias
    return outputs


def batch_normalization(
    inputs: tf.Tensor,
    is_training: tf.Tensor,
    name: str,
    momentum: float = 0.99,
    epsilon: float = 0.001,
) -> tf.Tensor:
    """Add a batch normalisation to the graph, with four variables.

    They are ``name/gamma`` and ``name/beta``, which are trained, and ``name/moving_mean`` and
    ``name/moving_variance``. The operations that move these two are in the collection
    ``UPDATE_OPS``, and a training step has to depend on them.

    Args:
        inputs: of the shape [batch, features], float32.
        is_training: a bool. True takes mean and variance from the batch, False the moving ones.
        name: the scope of its variables.
        momentum: the share of a moving value that an update keeps.
        epsilon: added to the variance.

    Returns:
        A tensor of the shape of ``inputs``.
    """
    zeros = tf.zeros([inputs.shape[1]])
    ones = tf.ones([inputs.shape[1]])
    with tf1.variable_scope(name):
        gamma = tf1.get_variable("gamma", initializer=ones)
        beta = tf1.get_variable("beta", initializer=zeros)
        moving_mean = tf1.get_variable("moving_mean", initializer=zeros, trainable=False)
        moving_variance = tf1.get_variable("moving_variance", initializer=ones, trainable=False)

    batch_mean, batch_variance = tf.nn.moments(inputs, [0])
    _move(moving_mean, batch_mean, momentum)
    _move(moving_variance, batch_variance, momentum)
    # Not tf.cond: its functions would keep a meta graph from being imported in the same process.
    mean = tf.where(is_training, batch_mean, moving_mean)
    variance = tf.where(is_training, batch_variance, moving_variance)
    return tf.nn.batch_normalization(inputs, mean, variance, beta, gamma, epsilon)


def _move(moving: tf.Variable, value: tf.Tensor, momentum: float) -> None:
    update = tf1.assign_sub(moving, (1 - momentum) * (moving - value))
    tf1.add_to_collection(tf1.GraphKeys.UPDATE_OPS, update)
