"""Runs a command with a small file system of its own over a scenario's results, and fills that up at a moment of the run.

    unshare --user --map-root-user --mount python full_disk.py SCENARIO KEPT SIZE MOMENT COMMAND...

MOMENT: `start` (nothing is filled: SIZE is too small), or a file below the run's folder at whose appearance it is filled, such
as `coordinator/rounds.parts/00001.parquet`. Several, joined by commas, must all have appeared. What the run left is copied to
KEPT, for the file system goes with the last process in it.
"""

import shutil
import subprocess
import sys
import time
from pathlib import Path

BALLAST = "ballast"
LIMIT_S = 240.0


def unshare() -> list[str]:
    """Return the words before the command, or nothing where this user may make no file system."""
    words = ["unshare", "--user", "--map-root-user", "--mount"]
    with_mount = [*words, "sh", "-c", "mount -t tmpfs -o size=1m none /mnt"]
    try:
        done = subprocess.run(with_mount, capture_output=True)
    except OSError:
        return []
    return words if done.returncode == 0 else []


def fill(folder: Path) -> None:
    with (folder / BALLAST).open("ab", buffering=0) as file:
        for size in (65_536, 4096, 1):
            try:
                while file.write(b"x" * size) == size:
                    pass
            except OSError:
                continue


def appeared(results: Path, names: list[str]) -> bool:
    return any(all((run / name).exists() for name in names) for run in results.glob("*") if run.is_dir())


def main() -> int:
    scenario, kept, size, moment, *command = sys.argv[1:]
    results = Path(scenario) / "results"
    results.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(results)], check=True)
    process = subprocess.Popen(command)
    deadline, full = time.monotonic() + LIMIT_S, False
    while process.poll() is None and time.monotonic() < deadline:
        full = full or (moment != "start" and appeared(results, moment.split(",")))
        if full:
            fill(results)  # again and again, for what is freed is free for a moment only
        time.sleep(0.005)
    process.kill()
    (results / BALLAST).unlink(missing_ok=True)
    shutil.copytree(results, kept)
    return process.wait()


if __name__ == "__main__":
    sys.exit(main())
