"""The example app of control-provider/ is what `blindlist ios init` writes with the example's names. It and a project with
other names hold together; what knows no view is type-checked against the stand-in of NetworkExtension, the rest parsed."""
import filecmp
import glob
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import swift_tool
from patience import PROGRAM_S
from served import working_folder
from tap import check, finish, skip
from xcode_project import XcodeProject

EXAMPLE = os.path.join(swift_tool.PACKAGE, "Example")
BLINDLIST = os.path.join(os.environ.get("BUILD", "build"), "blindlist")


def init(out, *words):
    subprocess.run([BLINDLIST, "ios", "init", "--out", out, *words], check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, timeout=PROGRAM_S)


def differences(left, right, among):
    """Files that are on one side only, or other files there."""
    wanted = {os.path.relpath(path, left) for path in among(left)}
    there = {os.path.relpath(path, right) for path in among(right)}
    _, other, unread = filecmp.cmpfiles(left, right, sorted(wanted & there), shallow=False)
    return sorted(wanted ^ there) + other + unread


def sources(folder):
    return [path for path in glob.glob(f"{folder}/**/*", recursive=True) if os.path.isfile(path) and "/xcuserdata/" not in path]


def check_example(folder):
    out = f"{folder}/example"
    init(out, "--name", "BlindlistExample", "--bundle-id", "com.example.blindlist", "--server", "https://filter.example.com",
         "--issuer", "https://issuer.example.com", "--package", "..")
    found = differences(EXAMPLE, out, sources)
    check(not found, "Example is what `ios init` writes with its names", found)
    XcodeProject(EXAMPLE).check()


def check_package(out):
    found = differences(f"{swift_tool.PACKAGE}/Sources", f"{out}/URLFilterKit/Sources", sources)
    if not filecmp.cmp(f"{swift_tool.PACKAGE}/Package.swift", f"{out}/URLFilterKit/Package.swift", False):
        found.append("Package.swift")
    check(not found, "the package is written along", found)


def check_sources(out):
    swift, why = swift_tool.find()
    if swift is None:
        return skip(f"{why}: the sources are not checked")
    compiler = os.path.join(os.path.dirname(swift), "swiftc")
    code, output = swift_tool.package(swift, "build", "--target", "URLFilterKit", "--quiet")
    check(code == 0, "swift build", "\n".join(output.splitlines()[-20:]))
    code, folder = swift_tool.package(swift, "build", "--show-bin-path")
    modules = f"{folder.splitlines()[-1]}/Modules"

    def compiled(*words):
        done = subprocess.run([compiler, "-swift-version", "6", "-warnings-as-errors", *words], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PROGRAM_S, check=False)
        return done.returncode == 0, done.stdout.decode("utf-8", "replace")

    files = sorted(glob.glob(f"{out}/App/*.swift") + glob.glob(f"{out}/Provider/*.swift"))
    views = []
    for path in files:
        with open(path, encoding="utf-8") as file:
            views += [path] if "import SwiftUI" in file.read() else []
    good, output = compiled("-parse", *files)
    check(good and len(views) == 2, "all sources parse", output)
    for folder in ("App", "Provider"):
        rest = [path for path in files if path not in views and f"/{folder}/" in path]
        good, output = compiled("-typecheck", "-parse-as-library", "-I", modules, "-I", f"{swift_tool.PACKAGE}/Tests/CLibcrypto",
                                *rest)
        check(good, f"{folder}: what knows no view has the right types", output)
    # The package without its tests: nothing of them is left in its manifest.
    code, output = swift_tool.package(swift, "package", "dump-package", path=f"{out}/URLFilterKit")
    check(code == 0 and '"URLFilterKit"' in output and "URLFilterKitTests" not in output, "the package stands without its tests",
          output[-500:])
    return None


def main():
    work = working_folder("xcode")
    try:
        check_example(work)
        out = f"{work}/Sample1"
        init(out, "--development", "--bundle-id", "org.my-sample.filter", "--extension-id", "org.my-sample.filter.control",
             "--server", "http://192.0.2.1:8080")
        XcodeProject(out).check()
        check_package(out)
        check_sources(out)
    finally:
        shutil.rmtree(work, ignore_errors=True)


main()
sys.exit(finish())
