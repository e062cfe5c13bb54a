"""The house rules of a notebook that are facts: how it is built, and how it was stored.

A rule takes a `Book` and yields what is against it, in words. It yields nothing if all is well.
"""

import ast
import itertools
import re
from pathlib import Path

from tests.gate import captions, exercises, figure_facts, numbers, outputs, pictures

import nbformat

VARYING_TAGS = {*pictures.VARIES, numbers.TAG}
EXERCISE_TAGS = {"check", "answer", "solution"}
TAGS = {*VARYING_TAGS, *EXERCISE_TAGS, "raises-exception"}

COLUMNS = 79
MEGABYTE = 1_000_000
LEAST_WRONG_ANSWERS = 2
# A path of somebody's machine: "/home/…", "C:\…".
MACHINE = re.compile(r"(?<![\w.…])(?:/(?:home|root|tmp|Users|work|mnt|opt)/|[A-Z]:\\)\w", re.ASCII)
# A notebook that prose names by its number, "as 02 showed", and one that is linked.
NAMED_NOTEBOOK = re.compile(r"(?<![\d.,:-])0\d\b(?![.,:]\d)")
LINKED_NOTEBOOK = re.compile(r"\]\((\d\d)_\w+\.ipynb\)")
NO_PROSE = re.compile(r"^```.*?^```|`[^`]*`|\[[^]]*\]\([^)]*\)", re.MULTILINE | re.DOTALL)
# "`repaired`" and "`bring(prefix, model)`", as the text of an exercise asks for an answer.
ANSWER_NAME = re.compile(r"(?<!`)`(\w+)(?:\([^`\n]*\))?`(?!`)")
MINUTES = re.compile(
    r"^\*(?P<read>\d+) minutes to read"
    r"(?:, (?P<exercises>\d+)(?: minutes)? for the exercises)?"
    r", (?P<run>\d+) seconds to run",
    re.MULTILINE,
)


class Book:
    """A stored notebook.

    Attributes:
        name: that of its file, without the ending.
        text: the whole file.
        notebook: as nbformat reads it.
        wrong_answers: those that its table states, a list for each check.
    """

    def __init__(self, path, wrong_answers):
        self.name = Path(path).stem
        self.text = Path(path).read_text(encoding="utf-8")
        self.notebook = nbformat.reads(self.text, as_version=4)
        self.wrong_answers = wrong_answers

    @property
    def cells(self):
        return self.notebook.cells

    @property
    def code(self):
        return [cell for cell in self.cells if cell.cell_type == "code"]

    @property
    def prose(self):
        return [cell for cell in self.cells if cell.cell_type == "markdown"]

    @property
    def title(self):
        return self.cells[0].source.splitlines()[0].removeprefix("# ")

    @property
    def minutes(self):
        """The match of the line below the title, or None."""
        return MINUTES.search(self.cells[0].source)

    @property
    def steps(self):
        return re.findall(r"^\d\. (.+)$", self.cells[1].source, flags=re.MULTILINE)

    @property
    def headings(self):
        text = "\n".join(cell.source for cell in self.prose)
        text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
        return re.findall(r"^## (.+)$", text, flags=re.MULTILINE)

    def section(self, heading):
        """Return the prose under a heading, up to the next one."""
        text = "\n\n".join(cell.source for cell in self.prose)
        found = re.search(rf"^## {heading}$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
        return found[1] if found else ""

    def exercise_cells(self):
        """Return the cells from the heading *Your turn* on."""
        begun = itertools.dropwhile(lambda cell: "## Your turn" not in cell.source, self.cells)
        return list(begun)


def first_line(cell):
    return cell.source.splitlines()[0] if cell.source else ""


def printed_by(cell):
    """Return what a cell has on stdout."""
    return "".join(out.text for out in cell.outputs if out.get("name") == "stdout")


def has_picture(cell):
    shown = [out for out in cell.get("outputs", []) if "data" in out]
    return any(format_ in out.data for out in shown for format_ in pictures.FORMATS)


# How a notebook was stored


def stored_from_one_clean_run(book):
    counts = [cell.execution_count for cell in book.code]
    if counts != list(range(1, len(counts) + 1)):
        yield f"the execution counts are {counts}"


def every_cell_is_compared(book):
    for cell in book.code:
        unknown = exercises.tags_of(cell) - TAGS
        if unknown:
            yield f"unknown tags {sorted(unknown)}: {first_line(cell)}"
        if re.search(r"#\s*(NBVAL|PYTEST)_", cell.source):
            yield f"a comment that switches off the comparison: {first_line(cell)}"


def no_noise_and_no_errors_but_where_one_is_announced(book):
    for cell in book.code:
        errors = [out for out in cell.outputs if out.output_type == "error"]
        announced = "raises-exception" in exercises.tags_of(cell)
        if len(errors) != announced:
            yield f"{len(errors)} errors: {first_line(cell)}"
        if any(out.get("name") == "stderr" for out in cell.outputs):
            yield f"noise on stderr: {first_line(cell)}"


def no_timing_and_no_path_of_a_machine(book):
    for cell in book.cells:
        others = set(cell.metadata) - {"tags", "jupyter"}
        if others:
            yield f"metadata {sorted(others)}, stored with record_timing?: {first_line(cell)}"
    found = MACHINE.search(book.text)
    if found:
        yield f"a path of a machine: {book.text[found.start() : found.end() + 30]!r}"


def no_widgets_and_no_versions(book):
    if any(outputs.is_widget(out) for cell in book.code for out in cell.outputs):
        yield "a progress bar is stored: it is dead without its kernel"
    metadata = book.notebook.metadata
    others = set(metadata) - {"kernelspec", "language_info"}
    if others:
        yield f"metadata of the notebook: {sorted(others)}"
    if metadata.language_info != {"name": "python"}:
        yield f"language_info differs between machines: {dict(metadata.language_info)}"


def small_enough_to_be_shown_everywhere(book):
    most = 2 * MEGABYTE if "style" in book.name else MEGABYTE
    size = len(book.text.encode())
    if size > most:
        yield f"{size:,} bytes, at most {most:,}"


# Pictures and numbers


def only_what_varies_is_compared_loosely(book):
    for cell in book.code:
        tags = exercises.tags_of(cell)
        if tags & set(pictures.VARIES) and not has_picture(cell):
            yield f"no picture that varies: {first_line(cell)}"
        if len(tags & set(pictures.VARIES)) > 1:
            yield f"a picture varies in one way: {first_line(cell)}"
        if numbers.TAG in tags and not _has_numbers(cell):
            yield f"no number that varies: {first_line(cell)}"


def _has_numbers(cell):
    texts = [out.text for out in cell.outputs if "text" in out]
    for out in cell.outputs:
        texts += [str(content) for content in out.get("data", {}).values()]
        texts.append(str(out.get("metadata", {}).get(figure_facts.KEY, "")))
    return any(numbers.NUMBER.search(text) for text in texts)


def facts_are_stored_about_figures_that_vary(book):
    for cell in book.code:
        if not exercises.tags_of(cell) & set(pictures.VARIES):
            continue
        shown = [out for out in cell.outputs if set(pictures.FORMATS) & set(out.get("data", {}))]
        if any(figure_facts.KEY not in out.metadata for out in shown):
            yield f"no facts about a figure, store the notebook again: {first_line(cell)}"


def every_picture_has_a_caption(book):
    for cell, following in itertools.pairwise(book.cells):
        if has_picture(cell) and not following.source.startswith("*"):
            yield f"no caption after: {first_line(cell)}"


def every_picture_has_its_caption_as_alt_text(book):
    for output, mime, caption in captions.pictures_with_captions(book.cells):
        alt = captions.alt_of(output, mime)
        if not alt or alt != caption:
            yield f"store the notebook again: the alt text is {alt!r}, the caption {caption!r}"


def a_text_under_a_picture_names_colours_that_are_in_it(book):
    for cell, following in itertools.pairwise(book.cells):
        drawn = set()
        for output in cell.get("outputs", []):
            drawn |= captions.colours_in(output.get("metadata", {}).get(figure_facts.KEY))
        if not drawn or following.cell_type != "markdown":
            continue
        named = captions.colours_named_in(NO_PROSE.sub(" ", following.source))
        for name in sorted(named):
            if not captions.COLOUR_NAMES[name] & drawn:
                yield f"{name} is not in the picture: {following.source.splitlines()[0]}"


# The skeleton


def the_title_says_what_it_takes(book):
    if not re.match(r"# [A-Z]", book.cells[0].source):
        yield f"the title is {first_line(book.cells[0])!r}"
    if not book.minutes:
        yield "no minutes to read and seconds to run below the title"


def the_steps_are_the_headings(book):
    steps = book.steps
    rest = ["In practice", "Take it home", "Your turn", "What we learned", "Where next"]
    if "Take it home" not in book.headings:
        rest.remove("Take it home")
    if not 3 <= len(steps) <= 6:
        yield f"{len(steps)} steps"
    if book.headings != [*steps, *rest]:
        yield f"the headings are {book.headings}, not the steps {steps} and then {rest}"


def its_last_sections_are_short(book):
    bullets = re.findall(r"^- ", book.section("In practice"), re.MULTILINE)
    rules = re.findall(r"^(?:-|\d\.) ", book.section("What we learned"), re.MULTILINE)
    links = re.findall(r"\]\(https?:", book.section("Where next"))
    if not 1 <= len(bullets) <= 5:
        yield f"{len(bullets)} bullets in practice"
    if len(rules) != 3:
        yield f"{len(rules)} rules that we learned"
    if len(links) > 2:
        yield f"{len(links)} links out"


def a_notebook_that_is_named_is_linked_too(book):
    text = "\n\n".join(cell.source for cell in book.prose)
    linked = set(LINKED_NOTEBOOK.findall(text))
    named = set(NAMED_NOTEBOOK.findall(NO_PROSE.sub("", text)))
    for number in sorted(named - linked):
        yield f"the text speaks of {number}, and no link leads there"


def code_fits_a_projector(book):
    for cell in book.code:
        for line in cell.source.splitlines():
            if len(line) > COLUMNS:
                yield f"{len(line)} columns: {line}"


def code_works_in_a_folder_of_a_class(book):
    """There the notebooks stand alone, and the course is installed somewhere else."""
    for cell in book.code:
        for line in cell.source.splitlines():
            if "../" in line:
                yield f"a path beside the folder of the notebooks: {line}"


# Exercises


def exercise_tags_are_for_exercises(book):
    number = len(book.cells) - len(book.exercise_cells())
    for cell in book.cells[:number]:
        if exercises.tags_of(cell) & EXERCISE_TAGS:
            yield f"an exercise before: Your turn: {first_line(cell)}"


def each_exercise_has_a_check_an_answer_and_a_solution(book):
    defined = set()
    kinds = []
    asked = None
    for cell in book.exercise_cells():
        if cell.cell_type != "code":
            continue
        tags = exercises.tags_of(cell) & EXERCISE_TAGS
        if len(tags) > 1:
            yield f"{sorted(tags)} in one cell: {first_line(cell)}"
        if "check" in tags:
            defined.update(exercises.checks_defined_in(cell.source))
        if tags & {"answer", "solution"}:
            kinds += sorted(tags)
            call = exercises.final_check(cell.source)
            name = call.func.id if call else None
            if name not in defined:
                yield f"the last line calls no check that was defined before: {cell.source!r}"
            if "solution" in tags and name != asked:
                yield f"the solution calls {name}, its answer {asked}"
            asked = name
    number = len(kinds) // 2
    if kinds != ["answer", "solution"] * number or not 2 <= number <= 3:
        yield f"the exercises are {kinds}"


def answers_are_not_given_yet(book):
    for cell in _tagged(book, "answer"):
        if printed_by(cell) != f"{exercises.UNANSWERED}\n" or len(cell.outputs) != 1:
            yield f"it has to print {exercises.UNANSWERED!r} and nothing else: {cell.source!r}"
        call = exercises.final_check(cell.source)
        empty = _names_without_a_value(cell.source)
        asked = {ast.unparse(value) for value in call.args} if call else set()
        if not asked <= empty | {"..."}:
            yield f"not all that is checked is still `...`: {cell.source!r}"


def solutions_are_right_and_collapsed(book):
    for cell in _tagged(book, "solution"):
        lines = printed_by(cell).splitlines()
        if not lines or not lines[-1].startswith(exercises.ACCEPTED):
            yield f"the check does not say {exercises.ACCEPTED!r}: {cell.source!r}"
        if not _is_collapsed(cell):
            yield f"a solution that is open: {first_line(cell)}"
        if first_line(cell) != "# Solution":
            yield f"the first line, which is visible, is not '# Solution': {first_line(cell)}"


def solutions_use_names_of_their_own(book):
    answers = [_assigned_names(cell.source) for cell in _tagged(book, "answer")]
    for cell in _tagged(book, "solution"):
        taken = _assigned_names(cell.source) & set().union(*answers)
        if taken:
            yield f"the solution sets the learner's {sorted(taken)}"


def checks_give_nothing_away(book):
    for cell in _tagged(book, "check"):
        if not cell.metadata.get("jupyter", {}).get("source_hidden"):
            yield f"a check that is open: {first_line(cell)}"
        if first_line(cell) != "# Check":
            yield f"the first line, which is visible, is not '# Check': {first_line(cell)}"
        if cell.outputs:
            yield f"a check that prints before it is asked: {first_line(cell)}"


def one_exercise_is_a_bug_hunt(book):
    text = "\n".join(cell.source for cell in book.exercise_cells() if cell.cell_type == "markdown")
    if not re.search(r"^[#* ]*Bug hunt\b", text, re.MULTILINE):
        yield "no bug hunt"


def every_check_has_wrong_answers_to_refuse(book):
    numbers_of_answers = {}
    for cell in _tagged(book, "answer"):
        call = exercises.final_check(cell.source)
        if call:
            numbers_of_answers[call.func.id] = len(call.args)
    for check, number in numbers_of_answers.items():
        stated = book.wrong_answers.get(check, [])
        if len(stated) < LEAST_WRONG_ANSWERS:
            yield f"{len(stated)} wrong answers to {check}, at least {LEAST_WRONG_ANSWERS}"
        for answer in stated:
            if len(ast.parse(answer.call, mode="eval").body.args) != number:
                yield f"{answer.call}: {check} takes {number} answers"
    for check in set(book.wrong_answers) - set(numbers_of_answers):
        yield f"wrong answers to {check}, which no answer cell calls"


def the_text_of_an_exercise_names_its_answers(book):
    text = ""
    for cell in book.exercise_cells():
        tags = exercises.tags_of(cell)
        if cell.cell_type == "markdown":
            text += cell.source
        if "answer" in tags:
            spans = set(ANSWER_NAME.findall(text))
            for name in sorted(_names_without_a_value(cell.source) - spans):
                yield f"no `{name}` in the text before the answer: {cell.source!r}"
        if "solution" in tags:
            text = ""


def _tagged(book, tag):
    return [cell for cell in book.code if tag in exercises.tags_of(cell)]


def _is_collapsed(cell):
    return cell.metadata.get("jupyter") == {"source_hidden": True, "outputs_hidden": True}


def _assigned_names(source):
    nodes = ast.walk(ast.parse(source))
    names = [node for node in nodes if isinstance(node, ast.Name)]
    return {node.id for node in names if isinstance(node.ctx, ast.Store)}


def _names_without_a_value(source):
    """Return the names to which a cell assigns ``...``."""
    found = set()
    for node in ast.parse(source).body:
        if not isinstance(node, ast.Assign):
            continue
        values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
        if all(isinstance(value, ast.Constant) and value.value is ... for value in values):
            found |= _assigned_names(ast.unparse(node))
    return found


RULES = [
    stored_from_one_clean_run,
    every_cell_is_compared,
    no_noise_and_no_errors_but_where_one_is_announced,
    no_timing_and_no_path_of_a_machine,
    only_what_varies_is_compared_loosely,
    every_picture_has_a_caption,
    every_picture_has_its_caption_as_alt_text,
    a_text_under_a_picture_names_colours_that_are_in_it,
    the_title_says_what_it_takes,
    exercise_tags_are_for_exercises,
    no_widgets_and_no_versions,
    small_enough_to_be_shown_everywhere,
    facts_are_stored_about_figures_that_vary,
    the_steps_are_the_headings,
    its_last_sections_are_short,
    a_notebook_that_is_named_is_linked_too,
    code_fits_a_projector,
    code_works_in_a_folder_of_a_class,
    each_exercise_has_a_check_an_answer_and_a_solution,
    answers_are_not_given_yet,
    solutions_are_right_and_collapsed,
    solutions_use_names_of_their_own,
    checks_give_nothing_away,
    one_exercise_is_a_bug_hunt,
    every_check_has_wrong_answers_to_refuse,
    the_text_of_an_exercise_names_its_answers,
]
