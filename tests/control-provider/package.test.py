"""URLFilterKit, the Swift package for apps: it builds without a warning, and its own tests pass, those with a server of
tests/control-provider/prefilter_host.py, too."""
import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import swift_tool
from patience import PROGRAM_S
from prefilter_host import BLINDLIST, USE_CASE, Host
from tap import check, finish, skip

ALONE = "MemoryTests"  # what other tests need is not to be counted
PARSINGS = [
    {}, {"domain": {"levels": 0}}, {"excludeScheme": False}, {"domain": {"excluded": True}},
    {"domain": {"stripWWW": False, "levels": 3, "enumerateHierarchy": False}}, {"path": {"excluded": True}},
    {"path": {"segments": 2, "enumerateHierarchy": False}}, {"query": {"excluded": True}}, {"query": {"parameters": []}},
    {"query": {"parameters": ["v", '"\\/~']}, "excludeFragment": True}, {"excludeIntermediates": True}, {"caseSensitive": True},
    {"regularExpression": "https?://(?<host>[^/\"]+)|\\.é"},
]


def make_datasets(folder):
    """A folder for each parsing configuration: the file, and what the compiler made of it."""
    os.mkdir(folder)
    with open(f"{folder}.txt", "w", encoding="utf-8") as file:
        file.write("https://bad.test/a?v=1\n")
    for number, parsing in enumerate(PARSINGS):
        case = f"{folder}/{number}"
        os.mkdir(case)
        with open(f"{case}/parsing.json", "w", encoding="utf-8") as file:
            json.dump(parsing, file)
        subprocess.run([BLINDLIST, "compile", f"{folder}.txt", "--use-case", USE_CASE, "--out", f"{case}/data",
                        "--keep-parsing-parts", "--parsing-configuration", file.name], check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=PROGRAM_S)
        shutil.copy(f"{case}/data/{USE_CASE}/current/dataset.json", case)


def report(path, output):
    """A line for each test that `swift test` ran."""
    cases = list(xml.etree.ElementTree.parse(path).iter("testcase")) if os.path.exists(path) else []
    check(cases, "swift test ran", output)
    for case in cases:
        name = f"{case.get('classname').split('.')[-1]}.{case.get('name')}"
        if case.find("skipped") is not None:
            skip(f"{name}: {case.find('skipped').get('message') or 'not here'}")
            continue
        failures = [failure.get("message") for failure in case.iter("failure")]
        check(not failures, name, "\n".join(failures))


def run_tests(swift, env, *filters):
    """`swift test` on what was built; a line for each test."""
    results = os.path.join(swift_tool.SCRATCH, "results.xml")
    written = results.replace(".xml", "-swift-testing.xml")
    if os.path.exists(written):
        os.remove(written)
    code, output = swift_tool.package(swift, "test", "--skip-build", "--xunit-output", results, *filters, env=env)
    report(written, output)
    check(code == 0, f"swift test {' '.join(filters)} ends well", "\n".join(output.splitlines()[-20:]))
    print("".join(f"{line}\n" for line in output.splitlines() if line.startswith("# ")), end="")


def main():
    swift, why = swift_tool.find()
    if swift is None:
        skip(f"{why}: control-provider/ is not built")
        return finish()
    code, output = swift_tool.package(swift, "build", "--build-tests", "--quiet")
    check(code == 0, "swift build", "\n".join(output.splitlines()[-20:]))
    if code == 0:
        host = Host()
        try:
            make_datasets(f"{host.folder}/parsing")
            env = {"BLINDLIST_TEST_HOST": host.address, "BLINDLIST_TEST_PUBLIC_KEY": host.public_key,
                   "BLINDLIST_TEST_PARSING": f"{host.folder}/parsing"}
            run_tests(swift, env, "--skip", ALONE)
            run_tests(swift, env, "--filter", ALONE)
        finally:
            host.end()
    return finish()


if __name__ == "__main__":
    sys.exit(main())
