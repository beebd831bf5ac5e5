"""The engines' worker processes of this process, among the other children that it has: servers, and what forks."""

import psutil


def workers_here() -> list[psutil.Process]:
    """Return those that run."""
    return [each for each in psutil.Process().children() if _is_worker(each)]


def _is_worker(process: psutil.Process) -> bool:
    try:
        words = process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False
    return any(word.startswith(("services.workers", "services.tts", "services.stt")) for word in words)
