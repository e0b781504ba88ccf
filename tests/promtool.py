"""Prometheus' own judgement of rules, figures and settings. tests/tap.py says how to reach this file.

scripts/setup keeps the program in a folder of its own, for its package would start a server."""
import os
import shutil
import subprocess

from patience import PROGRAM_S

KEPT = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "blindlist")
PROGRAM = shutil.which("promtool", path=os.environ.get("PATH", "") + os.pathsep + KEPT)
MISSING = "no promtool (Debian: prometheus; scripts/setup fetches it)"


def promtool(*words, given=""):
    """Its exit code, and all that it says."""
    done = subprocess.run([PROGRAM, *words], input=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=PROGRAM_S)
    return done.returncode, done.stdout
