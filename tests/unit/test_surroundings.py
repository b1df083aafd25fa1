"""What other programs leave in the surroundings of a run: variables of notebooks and of SUMO, and the order of imports."""

import os
import subprocess
import sys

import pytest


def python(code, **variables):
    """Return what a bare Python process prints, in which nothing has been imported before."""
    env = os.environ | variables
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


@pytest.mark.parametrize("backend", ["module://matplotlib_inline.backend_inline", "module://no.such.module"])
def test_figures_are_made_whatever_backend_a_notebook_names(backend):
    code = "import federates.reporting.figures; print('made')"
    assert python(code, MPLBACKEND=backend) == "made"


def test_libsumo_can_be_imported_after_what_runs_a_day_in_one_process():
    """Else Python aborts: nothing that hides HELICS's library from it is imported before."""
    assert python("import federates.runs.in_process, libsumo; print(libsumo.simulation.isLoaded())").endswith("False")


@pytest.mark.parametrize(
    ("first", "variables", "engine", "said"),
    [
        ("import helics", {}, "LIBSUMO", "helics was imported first"),
        ("import traci", {"LIBSUMO_AS_TRACI": "quiet"}, "TRACI", "unset it"),
        ("", {"LIBSUMO_AS_TRACI": "1"}, "TRACI", "connected"),
    ],
)
def test_an_engine_that_cannot_be_used_says_why(tmp_path, first, variables, engine, said):
    code = f"""
{first}
from pathlib import Path
from federates.boundary.errors import ModelError
from federates.traffic_sumo.engine import Engine, Sumo
try:
    sumo = Sumo(Engine.{engine}, ["--net-file", "no.net.xml"], Path({str(tmp_path)!r}), 20.0)
    print("connected")
    sumo.close()
except ModelError as error:
    print(error)
"""
    assert said in python(code, **variables)
