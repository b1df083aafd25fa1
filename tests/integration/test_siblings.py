"""The broker knows the processes of its own run from those of another run that the same parent has started."""

import os
import subprocess
import sys
import textwrap

import pytest

BROKER = textwrap.dedent("""
    import sys, time
    from federates.runs.liveness import Siblings
    siblings = Siblings({"power_operator": "power_operator"})
    siblings.ended()  # sees both
    print("seen", flush=True)
    sys.stdin.readline()  # until one of them has ended
    print(list(siblings.ended()))
""")
PARENT = textwrap.dedent("""
    import os, subprocess, sys
    broker, ends = sys.argv[1:]
    def start(command, identity, **how):
        environment = os.environ | {"PORTAGE_IDENTITY": identity}
        return subprocess.Popen([sys.executable, "-c", *command], env=environment, text=True, **how)
    wait = "import sys; sys.stdin.readline()"
    agents = {run: start([wait, "federates.power_operator"], run, stdin=subprocess.PIPE) for run in ("mine", "other")}
    watcher = start([broker], "mine", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert watcher.stdout.readline() == "seen\\n"
    agents[ends].communicate("go\\n")
    print(watcher.communicate("go\\n")[0], end="")
    for agent in agents.values():
        agent.stdin.closed or agent.communicate("go\\n")
""")


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="the environment of another process is read from /proc")
@pytest.mark.parametrize(("ends", "lost"), [("mine", ["power_operator"]), ("other", [])])
def test_only_an_agent_of_this_run_is_missed(ends, lost):
    done = subprocess.run([sys.executable, "-c", PARENT, BROKER, ends], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == str(lost), done.stderr
