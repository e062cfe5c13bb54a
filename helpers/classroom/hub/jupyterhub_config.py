"""JupyterHub for a class on one Linux machine: an example to copy and to change.

The course and its extra ``classroom`` are installed once, in a folder that learners can read, and
``configurable-http-proxy`` comes from npm. Start it as root from a folder of its own, where it
keeps its database::

    cd /srv/hub && /srv/course/.venv/bin/jupyterhub -f jupyterhub_config.py

``TEACHING.md`` says how to set up the rest, and what to change for a larger class.
"""

import sys
from pathlib import Path

c = get_config()  # type: ignore[name-defined]  # noqa: F821, JupyterHub puts it here

PROGRAMS = Path(sys.prefix) / "bin"  # of the environment that starts the hub

# Learners find it at port 8000. Beyond a room's own network, put it behind HTTPS.
c.JupyterHub.bind_url = "http://:8000"

# Learners log in with their account on this machine: whoever is in the group `learners`.
c.JupyterHub.authenticator_class = "pam"
c.LocalAuthenticator.allowed_groups = {"learners"}
c.Authenticator.admin_users = {"teacher"}

# Each learner gets a JupyterLab in their own account and home. This spawner comes with JupyterHub
# and limits nothing. SystemdSpawner enforces the limit below; it is a package of its own.
c.JupyterHub.spawner_class = "jupyterhub.spawner.LocalProcessSpawner"
c.Spawner.mem_limit = "3G"
c.Spawner.cmd = [str(PROGRAMS / "jupyterhub-singleuser")]
c.Spawner.default_url = "/lab"

# Thirty servers that start at once take minutes on four cores.
c.Spawner.start_timeout = 300
c.Spawner.http_timeout = 300

c.Spawner.environment = {
    # A terminal finds the course's Python and commands first.
    "PATH": f"{PROGRAMS}:/usr/local/bin:/usr/bin:/bin",
    # The installed course is read-only, so runs go to the learner's home.
    "COURSE_RUNS": "~/course/runs",
}

# A kernel holds 0.3 GB or more of its own. One that has done nothing for twenty minutes ends, also
# if its tab is open. The notebook and its outputs stay, the variables are gone.
c.Spawner.args = [
    "--MappingKernelManager.cull_idle_timeout=1200",
    "--MappingKernelManager.cull_interval=60",
    "--MappingKernelManager.cull_connected=True",
]

# A server that nobody has used for an hour ends, too.
c.JupyterHub.services = [
    {
        "name": "idle-culler",
        "command": [sys.executable, "-m", "jupyterhub_idle_culler", "--timeout=3600"],
    }
]
c.JupyterHub.load_roles = [
    {
        "name": "idle-culler",
        "services": ["idle-culler"],
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
    }
]
