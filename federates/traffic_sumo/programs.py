"""Finding and running SUMO's programs, which the ``eclipse-sumo`` package brings along."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

from federates.boundary.errors import ConfigError, ModelError, Problem
from federates.traffic_sumo.network import Network, write_plain_xml

_PROJECTION = "+proj=utm +zone=11 +ellps=WGS84 +datum=WGS84 +units=m +no_defs"


def sumo_home() -> Path | None:
    """Return SUMO's folder: that of the installed ``sumo`` package, else the environment variable SUMO_HOME."""
    spec = importlib.util.find_spec("sumo")
    if spec and spec.origin:
        return Path(spec.origin).parent
    given = os.environ.get("SUMO_HOME")
    return Path(given) if given else None


def find_program(name: str) -> str:
    """Return the path of ``sumo`` or ``netconvert``.

    Raises
    ------
    ConfigError : neither the package nor the search path has it.
    """
    home = sumo_home()
    if home is not None:
        os.environ["SUMO_HOME"] = str(home)  # pip does not set it, and SUMO warns or fails to find its schemas without
        for file in (home / "bin" / name, home / "bin" / f"{name}.exe"):
            if file.is_file():
                return str(file)
    found = shutil.which(name)
    if found:
        return found
    allowed = "install it with `pip install eclipse-sumo`, or put it on PATH"
    raise ConfigError([Problem("(environment)", name, "not found", allowed)])


def netconvert(network: Network, folder: Path) -> Path:
    """Write ``network`` and turn it into a SUMO network in ``folder``; return its file."""
    nodes, edges, joins = write_plain_xml(network, folder)
    result = folder / "road.net.xml"
    command = [find_program("netconvert"), "-n", str(nodes), "-e", str(edges), "-x", str(joins), "-o", str(result)]
    command += ["--proj", _PROJECTION, "--no-turnarounds", "true", "--no-internal-links", "true"]
    command += ["--junctions.limit-turn-speed", "-1", "--xml-validation", "never", "--no-warnings", "true"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode or not result.is_file():
        raise ModelError(
            f"netconvert could not build the road network (exit code {done.returncode}): {done.stderr.strip()[-500:]}"
        )
    return result
