"""SavedModels and meta graphs that do something while they are loaded or restored."""


def model_that_runs(tf, act):
    """A model with a resource, such as a table, that runs ``act`` when the SavedModel is loaded."""

    class OnLoad(tf.saved_model.experimental.TrackableResource):
        def _create_resource(self):
            return tf.constant(0)

        def _initialize(self):
            act()

    model = tf.Module()
    model.resource = OnLoad()
    model.bias = tf.Variable(2.0)
    return model


# What it runs


def write(tf, path):
    tf.io.write_file(path, "")


def write_deep_inside(tf, path):
    @tf.function
    def inner():
        write(tf, path)

    @tf.function
    def middle():
        inner()

    @tf.function
    def outer():
        middle()

    outer()


def write_in_a_branch(tf, path):
    def branch():
        write(tf, path)
        return 0

    tf.cond(tf.random.uniform([]) < 2, branch, lambda: 0)


def append(tf, path):
    tf.print("", output_stream=f"file://{path}", end="")


def save(tf, path, value=1.0):
    saved = tf.raw_ops.SaveV2(
        prefix=path, tensor_names=["a"], shape_and_slices=[""], tensors=[value]
    )
    with tf.control_dependencies([saved]):  # TensorFlow leaves out what nothing waits for.
        tf.Assert(tf.random.uniform([]) < 2, [0])


def save_by_a_function(tf, path):
    @tf.function
    def saver(value, path):
        save(tf, path, value)

    saver(tf.constant(1.0), tf.constant(path))


# Meta graphs


def save_classic(tf, prefix, act, marker):
    """Save a classic checkpoint whose meta graph does ``act`` before each restore."""
    tf1 = tf.compat.v1
    with tf.Graph().as_default() as graph, tf1.Session() as session:
        tf1.get_variable("bias", initializer=2.0)
        session.run(tf1.global_variables_initializer())
        saver = tf1.train.Saver()
        path = graph.get_tensor_by_name(saver.saver_def.filename_tensor_name)
        with tf.control_dependencies([act(tf, path, marker)]):
            restore = tf.group(graph.get_operation_by_name(saver.saver_def.restore_op_name))
        saver.saver_def.restore_op_name = restore.name
        saver.save(session, str(prefix))


def write_beside(tf, path, marker):
    return tf.io.write_file(str(marker), "")


def save_beside(tf, path, marker):
    """Save to the marker by a path that begins as the loader wants it and then turns away."""
    turned = tf.strings.join([path, "model"], separator=f"_temp/../{marker.name}")
    return tf.raw_ops.SaveV2(
        prefix=turned, tensor_names=["a"], shape_and_slices=[""], tensors=[tf.constant(1.0)]
    )
