"""What tests ask about processes that are not their own."""

import psutil


def is_running(number):
    """Tell whether a process is there, and has not ended without being asked how."""
    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
