"""One load of a stranger's file, as a program: ``python strange_load.py PATH CODE``.

It prints how the load ended: ``loaded``, or the name of the error. The code can use the names that
are imported here, and these:

- ``path`` and ``prefix``: the file, and the same without ``.meta``;
- ``ours`` and ``bias``: a model and a variable of our own, for loads that only bring numbers.
"""

import pickle
import sys

import absl.logging
import keras
import numpy as np
import tensorflow as tf
import tensorflow.compat.v1 as tf1

absl.logging.set_verbosity("error")  # or Keras says of every .h5 that it is old
path, code = sys.argv[1:]
names = {
    "keras": keras,
    "np": np,
    "pickle": pickle,
    "tf": tf,
    "tf1": tf1,
    "path": path,
    "prefix": path.removesuffix(".meta"),
    "ours": keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]),
    "bias": tf.Variable(0.0, name="bias"),
}
try:
    exec(code, names)
except Exception as error:
    print(type(error).__name__)
else:
    print("loaded")
