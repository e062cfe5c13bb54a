"""Models in TensorFlow 1's form whose operations save, move or read files while they are loaded.

Each ``act`` is given TensorFlow, the path that the loader hands over as an asset, and the variable
``bias`` of the model. It returns the operation that the loader runs when it has restored the model.
"""

ASSET = "asset"  # A placeholder, which the loader fills with a path in the folder of the model.


def save_by_an_asset(tf, asset, bias):
    return save(tf, asset, [666.0])


def move_by_an_asset(tf, asset, bias):
    moved = tf.strings.join([asset, ".part"])
    return tf.raw_ops.MergeV2Checkpoints(
        checkpoint_prefixes=[asset], destination_prefix=moved, delete_old_dirs=True
    )


def read_by_an_asset(tf, asset, bias):
    [value] = tf.raw_ops.RestoreV2(
        prefix=asset, tensor_names=["bias"], shape_and_slices=[""], dtypes=[tf.float32]
    )
    return bias.assign(value)


def save_in_the_current_folder(tf, asset, bias):
    return save(tf, tf.constant("model"), [666.0])


def save_where_a_saver_would(tf, asset, bias):
    """Save to a saver's own path: it is ``model`` as long as nobody hands one over."""
    saver = tf.compat.v1.train.Saver([bias])
    path = bias.graph.get_tensor_by_name(saver.saver_def.filename_tensor_name)
    return save(tf, path, [666.0])


def save_by_a_function(tf, asset, bias):
    @tf.function(autograph=False)
    def saver(path):
        with tf.control_dependencies([save(tf, path, [666.0])]):
            return tf.identity(path)

    return saver(tf.constant("model")).op


ACTS = [
    save_by_an_asset, move_by_an_asset, read_by_an_asset, save_in_the_current_folder,
    save_where_a_saver_would, save_by_a_function,
]  # fmt: skip


def save(tf, path, values):
    return tf.raw_ops.SaveV2(
        prefix=path, tensor_names=["bias"], shape_and_slices=[""], tensors=values
    )


def save_model(tf, folder, act, asset_name, collection="saved_model_main_op"):
    """Save a SavedModel in TensorFlow 1's form, which runs ``act`` as soon as it is loaded."""
    tf1 = tf.compat.v1
    with tf.Graph().as_default(), tf1.Session() as session:
        bias = tf1.get_variable("bias", [], initializer=tf1.constant_initializer(2.0))
        asset = tf1.placeholder(tf.string, [], name=ASSET)
        on_load = act(tf, asset, bias)
        session.run(tf1.global_variables_initializer())
        builder = tf1.saved_model.Builder(str(folder))
        answer = tf1.saved_model.build_tensor_info(tf.identity(bias))
        signature = tf1.saved_model.build_signature_def(outputs={"answer": answer})
        builder.add_meta_graph_and_variables(
            session, ["serve"], {"serving_default": signature}, strip_default_attrs=True
        )
        builder.save()
    (folder / "assets").mkdir()

    def run_on_load(program):
        program.asset_file_def.add(filename=asset_name).tensor_info.name = f"{ASSET}:0"
        program.collection_def[collection].node_list.value.append(on_load.name)

    change_program(folder, run_on_load)


def save_model_that_changes_itself(tf, folder):
    """Save a SavedModel that answers 2 when it is loaded first, and 666 from then on."""
    save_model(tf, folder, lambda tf, asset, bias: tf.no_op("nothing"), "a")

    def save_after_restoring(program):
        program.ClearField("asset_file_def")
        program.collection_def.clear()
        add_saving_restore(tf, program)

    change_program(folder, save_after_restoring)


def save_classic_that_changes_itself(tf, prefix):
    """Save a checkpoint whose meta graph writes 666 over it after it was restored."""
    tf1 = tf.compat.v1
    with tf.Graph().as_default(), tf1.Session() as session:
        tf1.get_variable("bias", [], initializer=tf1.constant_initializer(2.0))
        session.run(tf1.global_variables_initializer())
        tf1.train.Saver().save(session, str(prefix))
    meta = prefix.with_suffix(".meta")
    program = tf1.MetaGraphDef.FromString(meta.read_bytes())
    add_saving_restore(tf, program)
    meta.write_bytes(program.SerializeToString())


def add_saving_restore(tf, program):
    """Let the operation that restores also save, to the very path that the loader hands over."""
    saver = program.saver_def
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(program.graph_def, name="")
        path = graph.get_tensor_by_name(saver.filename_tensor_name)
        with tf.control_dependencies([graph.get_operation_by_name(saver.restore_op_name)]):
            saver.restore_op_name = save(tf, path, [666.0]).name
        program.graph_def.CopyFrom(graph.as_graph_def())


def change_program(folder, change):
    """Change the program in a SavedModel by a function."""
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    file = folder / "saved_model.pb"
    model = SavedModel.FromString(file.read_bytes())
    change(model.meta_graphs[0])
    file.write_bytes(model.SerializeToString())
