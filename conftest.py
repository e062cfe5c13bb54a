"""Plugs the gate into pytest: what strict nbval does not notice fails here (see ``tests/gate``)."""

import os

from tests.gate import exercises, litter, outputs, settings
from tests.gate.kernels import OUTPUT_TIMEOUT, Kernel

import pytest
from nbval.plugin import IPyNbCell, IPyNbFile

WRONG_ANSWERS = "tests/wrong_answers"


def pytest_configure(config):
    complaint = settings.complaint_about_python()
    if complaint:
        raise pytest.UsageError(complaint)
    is_worker = hasattr(config, "workerinput")
    if is_worker:  # it inherits what the first process of this command has set
        return
    runs = settings.RunsFolder(config.rootpath)
    config.add_cleanup(runs.remove)
    for name in filter(settings.is_alien, list(os.environ)):
        del os.environ[name]
    os.environ["COURSE_RUNS"] = str(runs.path)


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path, parent):
    nodes = yield
    return [
        Notebook.from_parent(parent, path=file_path) if isinstance(node, IPyNbFile) else node
        for node in nodes
    ]


class Notebook(IPyNbFile):
    """A notebook that may leave files in ``runs/`` only, and whose checks judge answers rightly."""

    def collect(self):
        for cell in super().collect():
            yield Cell.from_parent(
                self, name=cell.name, cell_num=cell.cell_num, cell=cell.cell, options=cell.options
            )
        tables = self.config.rootpath / WRONG_ANSWERS
        stated = exercises.stated_wrong_answers(tables, self.path.stem)
        wrong = exercises.wrong_answers(self.nb, stated)
        right = exercises.stated_right_answers(tables, self.path.stem)
        for kind, answers in [("Wrong", wrong), ("Right", right)]:
            for number, answer in enumerate(answers, start=1):
                name = f"{kind} answer {number} to {answer.check}"
                yield Answer.from_parent(self, name=name, answer=answer)

    def setup(self):
        sanitizer = self.config.rootpath / self.config.option.nbval_sanitize_with
        self.sanitize = outputs.read_sanitizer(sanitizer)
        self.files_before = litter.files(self.config.rootpath)
        self.kernel = Kernel(self.path.parent)

    def teardown(self):
        if self.kernel is not None:
            self.kernel.stop()
        left = litter.files(self.config.rootpath) - self.files_before
        if left:
            pytest.fail(
                f"new files outside runs/ after {self.name}: {', '.join(sorted(left))} "
                "(if they are your own, run the tests again)",
                pytrace=False,
            )


class Cell(IPyNbCell):
    """A cell whose outputs are compared, all of them."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.output_timeout = OUTPUT_TIMEOUT

    def compare_outputs(self, test, ref, skip_compare=None):
        tags = self.cell.metadata.get("tags", [])
        self.comparison_traceback = outputs.differences(test, ref, tags, self.parent.sanitize)
        return not self.comparison_traceback


class Answer(pytest.Item):
    """An answer that a check has to refuse or accept, tried after the notebook's own cells."""

    def __init__(self, *, answer, **arguments):
        super().__init__(**arguments)
        self.answer = answer

    def runtest(self):
        timeout = self.config.option.nbval_cell_timeout
        found = self.parent.kernel.run(self.answer.source, timeout)
        fault = exercises.fault_of(self.answer, found)
        if fault:
            pytest.fail(fault, pytrace=False)

    def reportinfo(self):
        return self.path, 0, self.name
