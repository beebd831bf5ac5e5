"""Whose a lease is: the name of this process, and whether the process of a name is gone for certain."""

import os
import platform

import psutil

from services.storage.columns import new_id


def own_name() -> str:
    """Return a name for a sender in this process: host, process, and what tells two senders apart."""
    return f"{platform.node()}:{os.getpid()}:{new_id()[:12]}"


def is_gone(name: str) -> bool:
    """Tell whether the process of a name has ended: one of this machine whose number nobody has.

    Of another machine nobody here can know; nor when the number has been given to somebody else.
    """
    node, _, rest = name.rpartition(":")[0].rpartition(":")
    return node == platform.node() and rest.isdigit() and not psutil.pid_exists(int(rest))
