"""helpers.lab.more_than_weights: what becomes of each piece of state, as the table says."""

import pytest

pytestmark = [
    # h5py and TensorFlow have not followed numpy 2 in this yet.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

# For .keras, .weights.h5 and Checkpoint: k(ept) or l(ost); and what a load report says of a loss.
EXPECTED = {
    "vocabulary of a layer": ("kll", True),
    "statistics of Normalization": ("kkl", True),
    "averages of BatchNormalization": ("kkk", None),
    "a layer's tf.Variable": ("llk", True),
    "a layer's Python attribute": ("lll", False),
    "A and B of LoRA": ("llk", True),
    "int8 weights": ("kkk", None),
    "mixed precision of a layer": ("kll", False),
    "scale of a LossScaleOptimizer": ("kkk", None),
    "moving averages of the weights": ("kkk", None),
    "place in dropout's numbers": ("lll", True),
    "which layers are frozen": ("kll", False),
    "a subclassed model": ("kkk", None),
    "names of the classes": ("lll", False),
    "memory of a callback": ("lll", False),
    "history of fit": ("lll", False),
}


@pytest.fixture(scope="module")
def lab(module):
    return module("helpers.lab.more_than_weights")


@pytest.fixture(scope="module")
def outcomes(lab, tmp_path_factory):
    return lab.try_all(tmp_path_factory.mktemp("all"))


def test_each_piece_is_kept_or_lost_as_the_table_says(lab, outcomes):
    found = {}
    for outcome in outcomes:
        letters = "".join(outcome.fates[way][0] for way in lab.WAYS)
        found[outcome.name] = (letters, outcome.is_reported)
    assert found == EXPECTED


def test_the_table_has_a_line_for_each_piece(lab, outcomes, capsys):
    lab.show_outcomes(outcomes)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + len(EXPECTED)
    line = next(line for line in lines if line.startswith("A and B"))
    assert line.split()[5:] == [
        "lost",
        "lost",
        "kept",
        "objects",
        *["random", "numbers", "for", "A"],
    ]
    assert max(map(len, lines)) <= 110


def test_what_is_called_kept_begins_otherwise_in_the_new_program(lab):
    """A behaviour that both programs have by themselves would always be kept."""
    same = []
    for trial in lab.TRIALS:
        saved, new = trial.make_saved(), trial.make_new()
        for piece in trial.pieces:
            if lab.same_values(piece.behaviour(saved), piece.behaviour(new)):
                same.append(piece.name)
    assert same == []


@pytest.mark.parametrize("name", list(EXPECTED))
def test_each_piece_has_an_advice(lab, name):
    pieces = [piece for trial in lab.TRIALS for piece in trial.pieces]
    [piece] = [piece for piece in pieces if piece.name == name]
    assert piece.advice


def test_the_advice_for_a_vocabulary_brings_the_outputs_back(lab, keras, tmp_path):
    saved = lab._model_of_texts(1, lab.OLD_TEXTS)
    saved.save_weights(tmp_path / "v.weights.h5")
    new = lab._model_of_texts(2, lab.NEW_TEXTS)
    new.layers[0].set_vocabulary(saved.layers[0].get_vocabulary())
    new.load_weights(tmp_path / "v.weights.h5")
    assert lab.same_values(lab._answers_to_texts(new), lab._answers_to_texts(saved))


def test_without_any_vocabulary_a_layer_says_so(keras, tf):
    words = keras.layers.TextVectorization()
    with pytest.raises(tf.errors.FailedPreconditionError, match="Table not initialized"):
        words(tf.constant(["a word"]))


def test_the_advice_for_statistics_brings_the_outputs_back(lab, tf, tmp_path):
    saved, new = lab._scaled(1, is_adapted=True), lab._scaled(2, is_adapted=False)
    prefix = tf.train.Checkpoint(model=saved).write(tmp_path / "s")
    tf.train.Checkpoint(model=new).read(prefix).assert_consumed()
    assert not lab.same_values(lab._outputs(new), lab._outputs(saved))
    new.get_layer("scale").finalize_state()
    assert lab.same_values(lab._outputs(new), lab._outputs(saved))


def test_int8_weights_do_not_fit_the_float_model(lab, tmp_path):
    lab._quantised(1).save_weights(tmp_path / "q.weights.h5")
    with pytest.raises(ValueError, match="expected 2 variables"):
        lab._network(2).load_weights(tmp_path / "q.weights.h5")


def test_a_subclassed_model_with_arguments_needs_get_config(lab, keras, tmp_path):
    class WithoutConfig(keras.Model):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.dense = keras.layers.Dense(units)

        def call(self, inputs):
            return self.dense(inputs)

    model = WithoutConfig(3)
    lab._outputs(model)
    with pytest.raises(NotImplementedError, match="get_config"):
        model.save(tmp_path / "s.keras")


def test_enabling_lora_again_raises(lab):
    model = lab._fine_tuned(1, is_trained=False)
    with pytest.raises(ValueError, match="lora is already enabled"):
        model.get_layer("inner").enable_lora(2)


def test_lora_that_is_enabled_after_load_weights_can_learn(lab, keras, tmp_path):
    saved = lab._fine_tuned(1, is_trained=True)
    saved.save_weights(tmp_path / "l.weights.h5")
    new = lab._network(2, keras.layers.Dense(8, "tanh", name="inner"))
    new.load_weights(tmp_path / "l.weights.h5")
    new.get_layer("inner").enable_lora(2)
    outputs = lab._outputs(saved)
    assert abs(lab._outputs(new) - outputs).max() < 1e-5
    matrix, zeros = lab._thin_matrices(new)
    assert matrix.any()
    assert not zeros.any()


def test_a_number_of_a_layer_is_shown_for_each_way(lab, module, tmp_path, capsys):
    inputs = module("numpy").full((2, 3), 7, "float32")
    lab.show_layers(lab.Noting, "largest", inputs, tmp_path)
    # The largest input of the new program is the same, because its layer sees the same batch.
    *lines, report = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["saved", *lab.WAYS]
    assert lines[0].split()[1] == lines[-1].split()[1] == "7.00"
    assert report == "model.weights.h5: 0 matched, 1 not carried"


def test_the_advice_for_a_variable_brings_it_back_in_each_way(lab, keras, module, tmp_path, capsys):
    @keras.saving.register_keras_serializable(package="test")
    class Peak(keras.layers.Layer):
        def build(self, _):
            self.peak = self.add_weight((), initializer="ones", trainable=False)

        def call(self, inputs, training=False):
            if training:
                self.peak.assign(keras.ops.max(inputs))
            return inputs / self.peak

    lab.show_layers(Peak, "peak", module("numpy").full((2, 3), 7, "float32"), tmp_path)
    *lines, report = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == 4 * ["7.00"]
    assert report == "model.weights.h5: 1 matched"


@pytest.mark.parametrize("every", [1, 2, 5, 12])
def test_epochs_are_counted_over_restarts(lab, keras, tmp_path, every):
    starts = []

    class StopAtSeven(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 6:
                self.model.stop_training = True

    def make(path):
        starts.append(path)
        return [StopAtSeven()]

    assert lab.count_epochs(make, tmp_path, every) == 7
    assert starts == [tmp_path] * -(-7 // every)
    assert lab.count_epochs(lambda _: [], tmp_path, every) == 12


def test_the_reviews_have_labels(lab):
    reviews, liked, newer = lab.make_reviews()
    assert len(reviews) == len(liked) == 6
    assert not set(newer) & set(reviews)


def test_the_first_words_of_a_model_are_its_most_frequent(lab):
    assert lab.words_of(lab._model_of_texts(1, lab.OLD_TEXTS), 2) == ["red", "green"]
    assert lab.words_of(lab._model_of_texts(1, lab.OLD_TEXTS)) == ["red", "green", "blue"]


def test_super_takes_a_store_without_our_keys(lab, keras, tmp_path):
    class Both(keras.layers.Dense):
        extra = 0

        def save_own_variables(self, store):
            super().save_own_variables(store)
            store["extra"] = self.extra

        def load_own_variables(self, store):
            self.extra = int(store["extra"][()])
            own = filter(str.isdigit, store.keys())
            super().load_own_variables({key: store[key] for key in own})

    saved, new = [keras.Sequential([keras.Input((4,)), Both(2)]) for _ in range(2)]
    saved.layers[0].extra = 7
    saved.save_weights(tmp_path / "b.weights.h5")
    new.load_weights(tmp_path / "b.weights.h5")
    assert new.layers[0].extra == 7
    assert lab.same_values(lab._outputs(new), lab._outputs(saved))


def test_losses_are_drawn_and_the_wrong_ones_are_orange(lab, plt):
    lab.draw_losses({"right": [2.0, 1.0], "loaded": [2.0, 2.0]}, wrong=["loaded"])
    right, wrong = plt.gca().get_lines()
    assert wrong.get_color() == lab.BROKEN != right.get_color()
    assert list(wrong.get_ydata()) == [2.0, 2.0]
    with pytest.raises(ValueError, match="no losses of other: there are right"):
        lab.draw_losses({"right": [1.0]}, wrong=["other"])
