"""URLFilterKit, the Swift package for apps: it builds without a warning, and its own tests pass, those with a server of
tests/control-provider/prefilter_host.py, too."""
import os
import sys
import xml.etree.ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import swift_tool
from prefilter_host import Host
from tap import check, finish, skip

ALONE = "MemoryTests"  # what other tests need is not to be counted


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
        env = {"BLINDLIST_TEST_HOST": host.address, "BLINDLIST_TEST_PUBLIC_KEY": host.public_key}
        run_tests(swift, env, "--skip", ALONE)
        run_tests(swift, env, "--filter", ALONE)
        host.end()
    return finish()


if __name__ == "__main__":
    sys.exit(main())
