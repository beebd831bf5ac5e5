"""Measuring on a machine that others use too."""

import os
import sys


def take_core(core: int) -> None:
    """Bind this process and those it will start to one core, in real time where that is allowed."""
    if core >= 0:
        os.sched_setaffinity(0, {core})
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except OSError:
        print("not allowed to run in real time: other processes of this machine are measured too", file=sys.stderr)
