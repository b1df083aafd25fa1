"""What an agent loads before it is ready, and that HELICS's declarations, kept parsed, are those of its header."""

import importlib.util
import subprocess
import sys

from federates.runtime import helics_declarations


def test_an_agent_without_solver_starts_without_what_it_does_not_need_yet():
    heavy = ("pyarrow", "pandas", "scipy", "highspy", "pyomo", "matplotlib", "pycparser", "libsumo", "federates.runtime.proof")
    code = f"import federates.agent, sys; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_declarations_are_those_of_the_installed_header(root):
    from importlib.metadata import version

    import helics

    spec = importlib.util.spec_from_file_location("make_helics_declarations", root / "studies/make_helics_declarations.py")
    study = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(study)
    file = root / "federates/runtime/helics_declarations.py"
    assert study.VERSION == helics_declarations.VERSION == version("helics"), "run python studies/make_helics_declarations.py"
    assert file.read_text(encoding="utf-8") == study.made()
    assert helics.helicsGetVersion()


def test_with_another_version_of_helics_the_header_is_read():
    code = (
        "from federates.runtime import helics_declarations as known; known.VERSION = '0'; "
        "from federates.runtime.helics_api import h; import sys; print('pycparser' in sys.modules, len(h.helicsGetVersion()) > 3)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True True"
