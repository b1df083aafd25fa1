"""Processes that a scenario has left."""

import psutil


def processes_of(scenario):
    """Return the processes that work in the scenario's folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd().startswith(str(scenario)) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.AccessDenied, psutil.NoSuchProcess, FileNotFoundError):
            continue
    return found
