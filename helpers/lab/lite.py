"""A converted model, run on this machine as a small device would run it."""

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType


def run_lite(model: bytes, **inputs: np.ndarray) -> np.ndarray:
    """Run ``serving_default`` of a ``.tflite`` file, and return its one output.

    Delegates, which would speed it up by means that differ between machines, are switched off.

    Args:
        model: the content of the file.
        inputs: arrays by the names that the signature gives them.

    Raises:
        ValueError: the file has no such signature, or it has other inputs or several outputs.
    """
    interpreter = Interpreter(
        model_content=model,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    run = interpreter.get_signature_runner("serving_default")
    outputs = run(**inputs)
    if len(outputs) != 1:
        raise ValueError(f"expected one output, found: {', '.join(sorted(outputs))}")
    [output] = outputs.values()
    return output
