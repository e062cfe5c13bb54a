"""Write ``notebooks/index.md``: which section of which notebook uses or explains a call.

    python -m tests.api_index

Names come from the notebooks: full names as the code imports them, methods by the table below or
by the class of the object, and names that stand in code type in the prose. The section that a row
leads to is the first one that uses the name and mentions it too, else the first that uses it.
"""

import ast
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

COURSE = Path(__file__).parent.parent
NOTEBOOKS = COURSE / "notebooks"
INDEX = NOTEBOOKS / "index.md"

# Packages in whose names a reader may look for something, as the index spells them.
SPELLED = {
    "tensorflow": "tf",
    "keras": "keras",
    "ai_edge_litert": "ai_edge_litert",
    "filelock": "filelock",
    "h5py": "h5py",
    "helpers.recipes": "helpers.recipes",
    "huggingface_hub": "huggingface_hub",
    "numpy": "np",
    "onnx": "onnx",
    "onnxruntime": "onnxruntime",
    "os": "os",
    "pickle": "pickle",
    "safetensors": "safetensors",
    "signal": "signal",
    "torch": "torch",
}
# Of these, only what reads and writes files is worth a row.
ONLY_FILES = {
    "np": re.compile(r"np\.(save|load)\w*"),
    "os": re.compile(r"os\.(fsync|replace|rename)"),
}
GROUPS = {
    "TensorFlow": ("tf",),
    "Keras": ("keras",),
    "Recipes of the course": ("helpers",),
    "Other packages": (),
}

# The code does not say what a method belongs to. These names leave no doubt in this course.
METHODS = {
    "assert_consumed": "tf.train.Checkpoint.restore().assert_consumed",
    "assert_existing_objects_matched": (
        "tf.train.Checkpoint.restore().assert_existing_objects_matched"
    ),
    "assert_nontrivial_match": "tf.train.Checkpoint.restore().assert_nontrivial_match",
    "expect_partial": "tf.train.Checkpoint.restore().expect_partial",
    "restore_or_initialize": "tf.train.CheckpointManager.restore_or_initialize",
    "recover_last_checkpoints": "tf.compat.v1.train.Saver.recover_last_checkpoints",
    "get_variable_to_shape_map": "tf.train.load_checkpoint().get_variable_to_shape_map",
    "get_variable_to_dtype_map": "tf.train.load_checkpoint().get_variable_to_dtype_map",
    "get_tensor": "tf.train.load_checkpoint().get_tensor",
    "has_tensor": "tf.train.load_checkpoint().has_tensor",
    "compile": "keras.Model.compile",
    "count_params": "keras.Model.count_params",
    "evaluate": "keras.Model.evaluate",
    "export": "keras.Model.export",
    "fit": "keras.Model.fit",
    "from_config": "keras.Model.from_config",
    "get_config": "keras.Model.get_config",
    "get_layer": "keras.Model.get_layer",
    "get_weights": "keras.Model.get_weights",
    "load_weights": "keras.Model.load_weights",
    "predict": "keras.Model.predict",
    "save_weights": "keras.Model.save_weights",
    "set_weights": "keras.Model.set_weights",
    "to_json": "keras.Model.to_json",
    "add_weight": "keras.layers.Layer.add_weight",
    "enable_lora": "keras.layers.Dense.enable_lora",
    "load_own_variables": "keras.layers.Layer.load_own_variables",
    "save_own_variables": "keras.layers.Layer.save_own_variables",
    "save_assets": "keras.layers.TextVectorization.save_assets",
    "get_vocabulary": "keras.layers.TextVectorization.get_vocabulary",
    "finalize_state": "keras.layers.Normalization.finalize_state",
    "adapt": "keras.layers.Normalization.adapt",
    "apply_gradients": "keras.optimizers.Optimizer.apply_gradients",
}
# These names have several owners, so the object must be known: by what made it, or by its name.
METHODS_OF = {
    "keras.Model": {"save"},
    "tf.train.Checkpoint": {"save", "restore", "read", "write"},
    "tf.train.CheckpointManager": {"save", "checkpoints", "latest_checkpoint"},
    "tf.compat.v1.train.Saver": {"save", "restore"},
}
MAKES = {"keras.Sequential": "keras.Model"}
NAMED = {
    "checkpoint": "tf.train.Checkpoint",
    "manager": "tf.train.CheckpointManager",
    "model": "keras.Model",
    "network": "keras.Model",
    "saver": "tf.compat.v1.train.Saver",
}
# Names of TensorFlow 1 that people search for; the prose says what they are called today.
OF_TENSORFLOW_1 = {"tf.layers", "tf.train.Saver"}

NO_LESSONS = {"Your turn", "What we learned", "Where next"}
CODE_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.\w+)+")
MOST_SECTIONS = 3  # of one name; further notebooks follow by their number

HEAD = """# Index

Calls of TensorFlow, of Keras and of other packages, and where the course shows them. \
A row names the sections to read first, then the other notebooks that use the call. \
The words of the course are in the [glossary](glossary.md).
"""


@dataclass
class Places:
    """Where one name stands: sections by notebook, in the order of reading."""

    used: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    mentioned: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def best(self, notebook: str) -> str:
        """Return the section of a notebook to read about the name."""
        used, mentioned = self.used.get(notebook, []), self.mentioned.get(notebook, [])
        both = [section for section in used if section in mentioned]
        candidates = [*both, *used, *mentioned]
        lessons = [section for section in candidates if section not in NO_LESSONS]
        return [*lessons, *candidates][0]

    def explains(self, notebook: str) -> bool:
        """Tell whether a lesson of the notebook both uses and mentions the name."""
        section = self.best(notebook)
        is_used = section in self.used.get(notebook, [])
        is_mentioned = section in self.mentioned.get(notebook, [])
        return section not in NO_LESSONS and is_used and is_mentioned

    def notebooks(self) -> list[str]:
        """Return the notebooks with the name: those that explain it first."""
        found = sorted(self.used.keys() | self.mentioned.keys())
        return sorted(found, key=lambda notebook: not self.explains(notebook))


class Names(ast.NodeVisitor):
    """Collects the names that the code of a notebook uses, cell by cell."""

    def __init__(self) -> None:
        """Begin a notebook: nothing is imported or assigned yet."""
        self.imported: dict[str, str] = {}
        self.made_by: dict[str, str] = {}
        self.found: list[str] = []

    def visit_Import(self, node: ast.Import) -> None:
        """Note what a module is called here."""
        for alias in node.names:
            whole = alias.name if alias.asname else alias.name.split(".")[0]
            self.imported[alias.asname or whole] = spelled(whole)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Note where a name comes from."""
        for alias in node.names:
            self.imported[alias.asname or alias.name] = spelled(f"{node.module}.{alias.name}")

    def visit_Assign(self, node: ast.Assign) -> None:
        """Note which class made the object of a variable, or of what it is a shorter name."""
        self.generic_visit(node)
        made_by, whole = self.class_of(node.value), self.full_name(node.value)
        for target in node.targets:
            if isinstance(target, ast.Name):
                self.made_by[target.id] = made_by
                self.imported[target.id] = whole

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """A method that a class of the notebook defines for Keras counts as its use."""
        if node.name in METHODS:
            self.found.append(METHODS[node.name])
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        """Note a name that was imported by itself."""
        self.found.append(self.full_name(node))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Note a name with dots, or a method of an object."""
        name = self.full_name(node)
        if name:
            self.found.append(name)
            return
        self.visit(node.value)
        owner = self.class_of(node.value)
        if node.attr in METHODS:
            self.found.append(METHODS[node.attr])
        elif node.attr in METHODS_OF.get(owner, ()):
            self.found.append(f"{owner}.{node.attr}")

    def full_name(self, node: ast.expr) -> str:
        """Return the full name of what was imported, as the index spells it; else nothing."""
        if isinstance(node, ast.Attribute):
            owner = self.full_name(node.value)
            return f"{owner}.{node.attr}" if owner else ""
        if isinstance(node, ast.Name):
            return self.imported.get(node.id, "")
        return ""

    def class_of(self, node: ast.expr) -> str:
        """Return the class of an object, as far as the code tells; else nothing."""
        if isinstance(node, ast.Call):
            name = self.full_name(node.func)
            return MAKES.get(name, name)
        if isinstance(node, ast.Name):
            return self.made_by.get(node.id) or NAMED.get(node.id, "")
        return ""


def spelled(name: str) -> str:
    """Return the full name of a package's part as the index spells it; nothing for others."""
    for package, short in SPELLED.items():
        if name == package or name.startswith(f"{package}."):
            return short + name.removeprefix(package)
    return ""


def mentions(text: str) -> Iterator[str]:
    """Yield the names that a text has in code type."""
    for span in CODE_SPAN.findall(text):
        name = span.split("(")[0].removeprefix(".")
        if name in METHODS:
            yield METHODS[name]
        owner, _, attribute = name.rpartition(".")
        if owner and attribute in METHODS:
            yield METHODS[attribute]
        owner = NAMED.get(owner, owner)
        if attribute in METHODS_OF.get(owner, ()):
            yield f"{owner}.{attribute}"
        if DOTTED.fullmatch(name) and name.split(".")[0] in {*SPELLED.values(), "tf1"}:
            yield name.replace("tf1.", "tf.compat.v1.", 1)


def mentioned_keywords(text: str) -> Iterator[tuple[str, str]]:
    """Yield the keywords of the calls that a text has in code type: ``("load_model", "compile")``.

    A call has its last name only, as the prose seldom gives more.
    """
    for span in CODE_SPAN.findall(text):
        try:
            nodes = list(ast.walk(ast.parse(span.removeprefix("."))))
        except SyntaxError:
            continue
        for call in nodes:
            if isinstance(call, ast.Call):
                name = ast.unparse(call.func).rpartition(".")[2]
                for keyword in call.keywords:
                    if keyword.arg:
                        yield name, keyword.arg


def is_worth_a_row(name: str) -> bool:
    """Tell whether a reader may look for a name."""
    package = name.split(".")[0]
    if package in ONLY_FILES:
        return bool(ONLY_FILES[package].fullmatch(name))
    return "." in name


def is_package(name: str, names: Iterable[str]) -> bool:
    """Tell whether a name is that of a package or module, by whose parts a reader looks."""
    begins_others = any(other.startswith(f"{name}.") for other in names)
    is_of_course = COURSE.joinpath(*name.split(".")).with_suffix(".py").is_file()
    is_spelled_small = name.rpartition(".")[2].islower()
    return is_of_course or (begins_others and is_spelled_small)


def collect(paths: Sequence[Path]) -> dict[str, Places]:
    """Return where each name stands."""
    index: dict[str, Places] = defaultdict(Places)
    for path in paths:
        names = Names()
        section = ""
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] == "markdown":
                headings = re.findall(r"^## (.+)$", source, flags=re.MULTILINE)
                section = headings[-1] if headings else section
                for name in mentions(source):
                    note(index[name].mentioned, path.stem, section)
            else:
                names.found = []
                names.visit(ast.parse(without_magic(source)))
                if "check" not in cell["metadata"].get("tags", []):
                    for name in names.found:
                        note(index[name].used, path.stem, section)
    wanted = {}
    for name, places in index.items():
        if is_worth_a_row(name) and places.notebooks():
            wanted[name] = places
    return {name: places for name, places in wanted.items() if not is_package(name, wanted)}


def without_magic(source: str) -> str:
    """Return the code of a cell without lines that are no Python."""
    lines = [line for line in source.splitlines() if not line.lstrip().startswith(("%", "!"))]
    return "\n".join(lines)


def note(places: dict[str, list[str]], notebook: str, section: str) -> None:
    """Note a section, once; what stands above the first one belongs to none."""
    if section and section not in places[notebook]:
        places[notebook].append(section)


def row(name: str, places: Places) -> str:
    """Return the line of the table for a name."""
    notebooks = places.notebooks()
    explaining = [notebook for notebook in notebooks if places.explains(notebook)]
    first = sorted((explaining or notebooks)[:MOST_SECTIONS])
    rest = sorted(set(notebooks) - set(first))
    sections = [f"{link(notebook)}, *{places.best(notebook)}*" for notebook in first]
    also = " ".join(link(notebook) for notebook in rest)
    return f"| `{name}` | {'; '.join(sections)} | {also} |"


def link(notebook: str) -> str:
    """Return the link to a notebook, by its number."""
    return f"[{notebook[:2]}]({notebook}.ipynb)"


def group_of(name: str) -> str:
    """Return the heading under which a name stands."""
    for heading, packages in GROUPS.items():
        if name.split(".")[0] in packages:
            return heading
    return "Other packages"


def index_text(paths: Sequence[Path]) -> str:
    """Return the text of the index."""
    places = collect(paths)
    parts = [HEAD]
    for heading in GROUPS:
        names = sorted((name for name in places if group_of(name) == heading), key=str.lower)
        rows = [row(name, places[name]) for name in names]
        table = ["| Name | Read first | Also in |", "|---|---|---|", *rows]
        parts.append("\n".join([f"## {heading}", "", *table, ""]))
    return "\n".join(parts)


def main() -> None:
    """Write the index."""
    text = index_text(sorted(NOTEBOOKS.glob("*.ipynb")))
    INDEX.write_text(text, encoding="utf-8", newline="\n")
    print(f"notebooks/index.md: {text.count('| `')} names")


if __name__ == "__main__":
    main()
