"""Parameter sweeps: the same scenario with other settings, many times, side by side, and resumed where it stopped.

Reads a scenario's files and a method's answer; knows no agent. See docs/sweep.md.
"""

from federates.sweep.run import SweepEnd, SweepProgress, run_sweep
from federates.sweep.spec import Sweep, SweepSpec, load_sweep

__all__ = ["Sweep", "SweepEnd", "SweepProgress", "SweepSpec", "load_sweep", "run_sweep"]
