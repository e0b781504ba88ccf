"""The Swift compiler for the tests of control-provider/. tests/tap.py says how to reach this file."""
import os
import re
import shutil
import subprocess

from patience import PROGRAM_S

OLDEST = (6, 2)  # what the package's manifest asks for
FOLDERS = ("/opt/swift/usr/bin", "/usr/libexec/swift/bin")
PACKAGE = os.path.abspath("control-provider")
SCRATCH = os.path.abspath(os.path.join(os.environ.get("BUILD", "build"), "swift"))


def find():
    """Path of the compiler driver and "", or None and why there is none to use. $SWIFT names another one."""
    path = os.environ.get("SWIFT") or shutil.which("swift", path=os.pathsep.join(
        [os.environ.get("PATH", ""), *FOLDERS]))
    if path is None:
        return None, "Swift is not installed"
    said = subprocess.run([path, "--version"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=PROGRAM_S, check=False).stdout.decode("utf-8", "replace")
    version = re.search(r"Swift version (\d+)\.(\d+)", said)
    if version is None:
        return None, f"{path} tells no version"
    if tuple(map(int, version.groups())) < OLDEST:
        return None, f"Swift {version[1]}.{version[2]} is older than {OLDEST[0]}.{OLDEST[1]}"
    return path, ""


def package(swift, *words, env=None, path=PACKAGE):
    """Runs `swift WORDS...` on the package, without a network and within the build folder: (exit status, output)."""
    command = [swift, words[0], "--package-path", path, "--scratch-path", SCRATCH,
               "--cache-path", f"{SCRATCH}/cache", "--config-path", f"{SCRATCH}/config",
               "--security-path", f"{SCRATCH}/security", "-Xswiftc", "-warnings-as-errors", *words[1:]]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=PROGRAM_S, check=False, env=dict(os.environ, **(env or {})))
    return done.returncode, done.stdout.decode("utf-8", "replace")
