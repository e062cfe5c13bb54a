"""Start the example hub on loopback, and leave nothing of it running."""

import contextlib
import importlib.util
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psutil

COURSE = Path(__file__).parent.parent.parent
CONFIG = COURSE / "helpers" / "classroom" / "hub" / "jupyterhub_config.py"
PACKAGES = ["jupyterhub", "jupyterhub_idle_culler", "nbgitpuller"]
PROXY = "configurable-http-proxy"
STOP_TIMEOUT = 300  # seconds; a hub asks each learner's server to end, and waits for it

# It comes behind the example's own lines. There are no accounts here, so all learners are the
# same user, each with a home of their own.
OVERRIDES = """
import os

load_subconfig({config!r})
c = get_config()
c.JupyterHub.bind_url = "http://127.0.0.1:{ports[0]}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{ports[1]}"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{ports[2]}"
c.ConfigurableHTTPProxy.command = [{proxy!r}]
c.JupyterHub.authenticator_class = "dummy"
c.JupyterHub.spawner_class = "jupyterhub.spawner.SimpleLocalProcessSpawner"
c.SimpleLocalProcessSpawner.home_dir_template = {homes!r} + "/{{username}}"
if os.geteuid() == 0:
    c.Spawner.args.append("--allow-root")
c.JupyterHub.services.append({{"name": "class", "api_token": {token!r}}})
scopes = ["admin:users", "admin:servers", "access:servers"]
c.JupyterHub.load_roles.append({{"name": "class", "services": ["class"], "scopes": scopes}})
"""


class HubError(Exception):
    """The hub cannot be tried; the message is one line for whoever asked for it."""


class Hub(NamedTuple):
    """A hub that runs: its address, the token that may do all, its process."""

    address: str
    token: str
    process: psutil.Process


def find_proxy(chosen: str | None) -> str:
    """Return the path of the proxy.

    Args:
        chosen: a path or a command; without it, the proxy is looked for among the commands.

    Raises:
        HubError: there is none, or it cannot run.
    """
    path = shutil.which(chosen or PROXY)
    if not path:
        raise HubError(
            f"no {chosen or PROXY}: run `npm install --prefix FOLDER {PROXY}`, "
            f"then add --proxy FOLDER/node_modules/.bin/{PROXY}"
        )
    if not shutil.which("node"):
        raise HubError(f"{PROXY} needs node, which is not installed: install Node.js 20 or newer")
    return str(Path(path).absolute())


def check_packages() -> None:
    """Raise HubError if the extra `classroom` is not installed."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise HubError(
            f"not installed here: {', '.join(missing)}. In an environment of its own, run "
            "pip install -c constraints.txt -e '.[classroom]'"
        )


def choose_ports(first: int | None) -> list[int]:
    """Return three free ports of loopback, the first one as asked for.

    Raises:
        HubError: the first one is in use.
    """
    with contextlib.ExitStack() as stack:
        ports = []
        for wanted in (first or 0, 0, 0):
            listener = stack.enter_context(socket.socket())
            try:
                listener.bind(("127.0.0.1", wanted))
            except OSError as error:
                raise HubError(
                    f"port {wanted}: {error.strerror}. Leave --port out, and a free one is chosen"
                ) from None
            ports.append(listener.getsockname()[1])
    return ports


@contextlib.contextmanager
def running_hub(folder: Path, proxy: str, port: int | None = None) -> Iterator[Hub]:
    """Start the hub, and end it with all that it has started, whatever happens inside.

    Args:
        folder: an empty one, for the hub's files and the learners' homes.
        proxy: the path of configurable-http-proxy.
        port: where learners find it; without it, a free one.

    Raises:
        HubError: it did not start; its log's last line is in the message.
    """
    ports = choose_ports(port)
    token = secrets.token_hex(32)
    config = folder / "config.py"
    values = {"config": str(CONFIG), "ports": ports, "proxy": proxy, "token": token}
    homes = str(folder / "home")
    config.write_text(OVERRIDES.format(homes=homes, **values), encoding="utf-8")
    config.chmod(0o600)
    log = folder / "hub.log"
    with log.open("wb") as output:
        # In a session of its own, so that Ctrl+C reaches only us, and we end it in order.
        started = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", str(config)],
            cwd=folder,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        wait_until_it_listens(started, ports[0], log)
        yield Hub(f"http://127.0.0.1:{ports[0]}", token, psutil.Process(started.pid))
    finally:
        stop(started)


def wait_until_it_listens(started: subprocess.Popen, port: int, log: Path) -> None:
    """Return when the hub can be reached; raise HubError if it has ended before."""
    while "JupyterHub is now running" not in log.read_text(encoding="utf-8", errors="replace"):
        if started.poll() is not None:
            lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise HubError(f"the hub did not start at port {port}: {(lines or ['no log'])[-1]}")
        time.sleep(0.2)


def stop(started: subprocess.Popen) -> None:
    """End the hub, and then each process below it that it has left behind."""
    try:
        below = psutil.Process(started.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        below = []
    started.terminate()
    try:
        started.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        started.kill()
        started.wait()
    for process in below:
        # psutil looks at the time of its start, so a new process with its number is spared.
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(below, timeout=STOP_TIMEOUT)


def still_running(folder: Path) -> list[str]:
    """Return the command lines of all processes that work in a folder or were given it."""
    folder = folder.resolve()
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            command = " ".join(process.cmdline())
            inside = Path(process.cwd()).is_relative_to(folder)  # one that ends has none: ""
            if inside or str(folder) in command:
                found.append(command)
    return found
