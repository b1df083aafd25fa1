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
    code = "import federates.reporting.figures.style; print('made')"
    assert python(code, MPLBACKEND=backend) == "made"
