"""What happens in a process of `helpers.lab.cluster` before its program begins, and when it prints.

Every function here runs in a worker, and none in the notebook.
"""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import tensorflow as tf

# What the launcher asks of this worker. Its keys are those of `helpers.lab.cluster`.
orders: dict[str, Any] = {}


def begin(command: list[str]) -> list[str]:
    """Become one worker of a cluster, and return what the program's main function is called with.

    TensorFlow reads ``TF_CONFIG`` when a strategy is made, so this comes before. A cluster that
    dies logs hundreds of lines, and they go to a file.

    Args:
        command: of the process. Its second part is the launcher's orders, as JSON.
    """
    # Jupyter interrupts the workers with the notebook, and the launcher kills them then.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    orders.update(json.loads(command[1]))
    log = os.open(orders["log"], os.O_WRONLY | os.O_CREAT)
    os.dup2(log, 2)
    os.close(log)
    if orders["never_starts"]:
        _wait_for_ever()
    os.environ["TF_CONFIG"] = json.dumps(orders["tf_config"])
    print("started", flush=True)
    return orders["arguments"]


def say(*values: object) -> None:
    """Print a line at once, in place of ``print``, and wait after the line that was ordered."""
    line = " ".join(map(str, values))
    print(line, flush=True)
    wait_after = orders["wait_after"]
    if wait_after and line.startswith(wait_after):
        _wait_for_file(Path(orders["go_on"]))


def start_servers(servers: int) -> tf.distribute.cluster_resolver.ClusterResolver:
    """Start parameter servers and one worker in threads of this process.

    A cluster has a machine for each. They end with the process.

    Args:
        servers: how many of them hold variables.

    Returns:
        What a ``ParameterServerStrategy`` is made from.
    """
    os.environ.pop("TF_CONFIG")  # it describes a cluster of another kind
    addresses = [f"localhost:{port}" for port in orders["spare_ports"]]
    jobs = {"chief": addresses[:1], "worker": addresses[1:2], "ps": addresses[2 : 2 + servers]}
    cluster = tf.train.ClusterSpec(jobs)
    for job in ["worker", "ps"]:
        for index in range(len(jobs[job])):
            tf.distribute.Server(cluster, job, index)
    return tf.distribute.cluster_resolver.SimpleClusterResolver(
        cluster, task_type="chief", task_id=0, rpc_layer="grpc"
    )


def _wait_for_file(path: Path) -> None:
    while not path.exists():
        time.sleep(0.02)


def _wait_for_ever() -> None:
    while True:
        time.sleep(60)
