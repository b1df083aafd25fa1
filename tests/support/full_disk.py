"""Runs a command with a small file system of its own over a scenario's results, and fills that up at a moment of the run.

    unshare --user --map-root-user --mount python full_disk.py SCENARIO SIZE MOMENT COMMAND...

MOMENT: `start` (nothing is filled: SIZE is too small), `asked` (when the file `fill` appears in SCENARIO), or a file below the
run's folder at whose appearance it is filled, such as `coordinator/rounds.parts/00001.parquet`; of several, joined by commas,
all must have appeared. In the end SCENARIO has what the run left, for the file system goes with the last process in it.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BALLAST, ASK = "ballast", "fill"
LIMIT_S = 240.0


def small_disk(scenario: Path, size: str, moment: str) -> list[str]:
    """Return the words that give the command behind them a small disk, or nothing where this user may make no file system."""
    words = unshare()
    return [*words, sys.executable, __file__, str(scenario), size, moment] if words else []


def unshare() -> list[str]:
    """Return the words before a command that may make file systems, or nothing where this user may not."""
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


def wanted(scenario: Path, moment: str) -> bool:
    if moment in ("start", "asked"):
        return moment == "asked" and (scenario / ASK).exists()
    runs = (run for run in (scenario / "results").glob("*") if run.is_dir())
    return any(all((run / name).exists() for name in moment.split(",")) for run in runs)


def main() -> int:
    scenario, size, moment, *command = sys.argv[1:]
    results = Path(scenario) / "results"
    results.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(results)], check=True)
    process = subprocess.Popen(command)
    deadline, full = time.monotonic() + LIMIT_S, False
    while process.poll() is None and time.monotonic() < deadline:
        full = full or wanted(Path(scenario), moment)
        if full:
            fill(results)  # again and again, for what is freed is free for a moment only
        time.sleep(0.005)
    process.kill()
    (results / BALLAST).unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as kept:
        shutil.copytree(results, Path(kept) / "results")
        subprocess.run(["umount", "--lazy", str(results)], check=True)
        shutil.copytree(Path(kept) / "results", results, dirs_exist_ok=True)
    return process.wait()


if __name__ == "__main__":
    sys.exit(main())
