"""URLFilterKit, the Swift package for apps: it builds without a warning, and its own tests pass."""
import os
import sys
import xml.etree.ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import swift_tool
from tap import check, finish, skip


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


def main():
    swift, why = swift_tool.find()
    if swift is None:
        skip(f"{why}: control-provider/ is not built")
        return finish()
    code, output = swift_tool.package(swift, "build", "--build-tests", "--quiet")
    check(code == 0, "swift build", "\n".join(output.splitlines()[-20:]))
    if code == 0:
        results = os.path.join(swift_tool.SCRATCH, "results.xml")
        written = results.replace(".xml", "-swift-testing.xml")
        if os.path.exists(written):
            os.remove(written)
        code, output = swift_tool.package(swift, "test", "--skip-build", "--xunit-output", results)
        report(written, output)
        check(code == 0, "swift test ends well", "\n".join(output.splitlines()[-20:]))
    return finish()


if __name__ == "__main__":
    sys.exit(main())
