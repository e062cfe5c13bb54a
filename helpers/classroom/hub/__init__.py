"""For teachers: an example configuration of JupyterHub for a class, and the link to hand out."""
