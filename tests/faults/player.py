"""A notebook whose cells put out, without any work, what was stored in them."""

import json

from tests.faults.stored import code_cells

from nbformat import NotebookNode

# What a cell runs. The result of a cell cannot be published, so it is the cell's last line.
PLAY = """\
import json as _json, sys as _sys
from IPython.display import publish_display_data as _publish
for _output in _json.loads({outputs!r}):
    if _output["output_type"] == "stream":
        print(_output["text"], end="", file=getattr(_sys, _output["name"]))
    else:
        _publish(_output["data"], _output["metadata"])
"""
RESULT = """\
class _Result:
    def _repr_mimebundle_(self, include=None, exclude=None):
        _output = _json.loads({result!r})
        return _output["data"], _output["metadata"]
_Result()
"""


def replace_code(notebook: NotebookNode, stored: NotebookNode) -> None:
    """Give each cell code that puts out the outputs of the same cell in ``stored``."""
    for cell, other in zip(code_cells(notebook), code_cells(stored), strict=True):
        cell.source = source_for(other.outputs)


def source_for(outputs: list[NotebookNode]) -> str:
    """Return code that puts out these outputs. A notebook of the course stores no errors."""
    results = [output for output in outputs if output.output_type == "execute_result"]
    others = [output for output in outputs if output.output_type != "execute_result"]
    source = PLAY.format(outputs=json.dumps(others))
    for result in results:
        source += RESULT.format(result=json.dumps(result))
    return source
