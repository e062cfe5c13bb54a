"""Make the files of this folder with PyTorch: two networks and the answers that they give.

The course needs neither PyTorch nor this script: the files travel with it. They were made once, by

    python3.11 -m venv torch
    torch/bin/pip install numpy==2.4.6 safetensors==0.8.0 scikit-learn==1.9.1 torch==2.13.0
    torch/bin/python make_fixtures.py

in the folder of this script, on Linux with a processor of Intel's. PyTorch promises no equal bits
on another machine, so the files were made once, and `fixtures.py` has their SHA-256.

Both networks read the digits of scikit-learn, 8 by 8 pixels between 0 and 1. The last 500 are left
out of the training.

- ``digits_cnn.safetensors``: convolution, batch normalisation, flatten, linear layer.
- ``digits_cnn_bf16.safetensors``: the same numbers in bfloat16.
- ``digits_rnn.safetensors``: an LSTM that reads a digit row by row, and a linear layer.
- ``answers.safetensors``: 20 images, channels first, and the scores of the networks for them.
  The scores called ``pruned`` come from the first network after all numbers of its linear layer
  below 0.1 were set to zero. Its file is not kept, only its SHA-256.
"""

import hashlib
import importlib
from collections import OrderedDict
from pathlib import Path
from typing import Any

FILES = Path(__file__).parent / "files"
TEST_IMAGES = 500
ANSWERED_IMAGES = 20
SMALLEST_KEPT = 0.1
EPOCHS = 30
BATCH = 50
NOT_LEARNED = "num_batches_tracked"


def import_torch() -> Any:
    """Import PyTorch, which is no dependency of the course.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    try:
        return importlib.import_module("torch")
    except ModuleNotFoundError:
        remedy = "use the environment that the docstring of make_fixtures.py describes"
        raise ModuleNotFoundError(f"no PyTorch here: {remedy}") from None


def build_cnn(nn: Any) -> Any:
    """Build the network with a convolution, for images of shape (batch, 1, 8, 8)."""
    layers = OrderedDict()
    layers["conv"] = nn.Conv2d(1, 8, kernel_size=3, padding=1)
    layers["norm"] = nn.BatchNorm2d(8)
    layers["relu"] = nn.ReLU()
    layers["pool"] = nn.MaxPool2d(2)
    layers["flatten"] = nn.Flatten()
    layers["scores"] = nn.Linear(8 * 4 * 4, 10)
    return nn.Sequential(layers)


def build_rnn(nn: Any) -> Any:
    """Build the network with an LSTM; `ask_rnn` says how its two layers work together."""
    return nn.ModuleDict({"rnn": nn.LSTM(8, 16, batch_first=True), "scores": nn.Linear(16, 10)})


def ask_rnn(network: Any, images: Any) -> Any:
    """Return the scores of a network of `build_rnn` for images of shape (batch, 1, 8, 8)."""
    steps, _ = network["rnn"](images.squeeze(1))
    return network["scores"](steps[:, -1])


def train(torch: Any, network: Any, ask: Any, images: Any, labels: Any) -> None:
    """Train a network, and leave it as it predicts."""
    optimizer = torch.optim.Adam(network.parameters(), lr=0.005)
    network.train()
    for _ in range(EPOCHS):
        order = torch.randperm(len(images))
        for chosen in order.split(BATCH):
            loss = torch.nn.functional.cross_entropy(ask(images[chosen]), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    network.eval()


def prune(state: dict[str, Any]) -> dict[str, Any]:
    """Return a copy with zeros for small numbers of ``scores.weight``, without the counter."""
    pruned = {name: values.clone() for name, values in state.items() if NOT_LEARNED not in name}
    weight = pruned["scores.weight"]
    weight[weight.abs() < SMALLEST_KEPT] = 0
    return pruned


def main() -> None:
    """Train both networks, and write all files."""
    torch = import_torch()
    datasets = importlib.import_module("sklearn.datasets")
    files = importlib.import_module("safetensors.torch")
    torch.manual_seed(0)
    torch.set_num_threads(1)

    digits = datasets.load_digits()
    images = torch.tensor(digits.images / 16, dtype=torch.float32).unsqueeze(1)
    labels = torch.tensor(digits.target)
    known, known_labels = images[:-TEST_IMAGES], labels[:-TEST_IMAGES]
    new, new_labels = images[-TEST_IMAGES:], labels[-TEST_IMAGES:]

    cnn = build_cnn(torch.nn)
    train(torch, cnn, cnn, known, known_labels)
    rnn = build_rnn(torch.nn)
    train(torch, rnn, lambda batch: ask_rnn(rnn, batch), known, known_labels)

    FILES.mkdir(exist_ok=True)
    about = {"format": "pt"}
    state = cnn.state_dict()
    files.save_file(state, FILES / "digits_cnn.safetensors", about)
    half = {name: values.bfloat16() for name, values in state.items() if NOT_LEARNED not in name}
    files.save_file(half, FILES / "digits_cnn_bf16.safetensors", about)
    files.save_file(rnn.state_dict(), FILES / "digits_rnn.safetensors", about)

    pruned_file = files.save(prune(state), about)
    pruned = build_cnn(torch.nn)
    pruned.load_state_dict(files.load(pruned_file), strict=True)
    pruned.eval()

    asked = new[:ANSWERED_IMAGES].contiguous()
    with torch.no_grad():
        answers = {"images": asked, "cnn": cnn(asked), "rnn": ask_rnn(rnn, asked)}
        answers["pruned"] = pruned(asked)
        for name, scores in {"cnn": cnn(new), "rnn": ask_rnn(rnn, new)}.items():
            right = int((scores.argmax(1) == new_labels).sum())
            print(f"{name}: {right} of {TEST_IMAGES} right")
    files.save_file(answers, FILES / "answers.safetensors")

    for path in sorted(FILES.glob("*.safetensors")):
        print(path.name, path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
    print("pruned", len(pruned_file), hashlib.sha256(pruned_file).hexdigest())


if __name__ == "__main__":
    main()
