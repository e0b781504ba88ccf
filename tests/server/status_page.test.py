#!/usr/bin/env python3
"""The status page of the admin address: well-formed, quiet, with the figures of what clients did, and as wide as a phone, light and
dark, in headless Chromium where there is one. Prints TAP."""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from browser import picture, read_png  # noqa: E402
from htmlpage import Page  # noqa: E402
from patience import PROGRAM_S, wait_until  # noqa: E402
from paying import Client  # noqa: E402
from served import Server, working_folder  # noqa: E402
from tap import check, finish, skip  # noqa: E402

BUILD = os.environ.get("BUILD", "build")
USE_CASE = "one.example.url.filtering"
SECTIONS = {"The last hour", "Refusals and errors", "Apps, since the start", "Datasets"}
work = working_folder("status")


def test_page(admin, port):
    status, body, headers = admin.ask("GET", "/")
    page = Page(body.decode())
    check(status == 200 and headers["Content-Type"] == "text/html; charset=utf-8" and headers["Cache-Control"] == "no-store",
          "it is a page that nobody keeps", headers)
    policy = headers["Content-Security-Policy"]
    check("default-src 'none'" in policy and "script" not in policy and "frame-ancestors 'none'" in policy,
          "its policy allows no script and nothing from elsewhere", policy)
    check(page.wrong == [] and "script" not in page.tags, "it is well-formed and has none", page.wrong)
    check(set(page.sections) == SECTIONS, "it has its sections, and no issuer without tokens", set(page.sections))
    check(re.search(rf"blindlist-server on {re.escape(os.uname().nodename)}\s+Ready\.\s+At \d\d:\d\d:\d\d UTC;", page.text),
          "it says which machine it is of, and of when", page.text[:200])
    check("Ready." in page.text and USE_CASE in page.sections["Datasets"], "it says that the server is ready, and what it serves")
    check("None." in page.sections["Refusals and errors"], "nothing was refused yet", page.sections["Refusals and errors"])
    client = Client(port)
    for _ in range(7):
        client.ask("GET", "/nothing")
    client.close()
    refused = Page(admin.ask("GET", "/")[1].decode()).sections["Refusals and errors"]
    check("not_found" in refused and refused.count("7") == 2, "seven requests for nothing are counted", refused)


def test_charts(admin):
    """The first sample is there at once, the sample of now follows."""
    def drawn():
        page = Page(admin.ask("GET", "/")[1].decode())
        return page if page.tags.get("polyline") == 6 and not page.wrong else None
    check(wait_until(drawn), "six charts of the last hour", admin.ask("GET", "/")[1].decode()[-3000:])


def test_bad(admin, state):
    """What should not be stands out."""
    os.rename(state, f"{state}.away")
    check(wait_until(lambda: b'<b class="bad">Not ready: the state is not writable.' in admin.ask("GET", "/")[1]),
          "a server that is not ready says so in another colour")
    os.rename(f"{state}.away", state)
    check(wait_until(lambda: b"<b>Ready." in admin.ask("GET", "/")[1]), "until it is")


def test_pictures(server):
    if shutil.which("chromium") is None:
        skip("no chromium")
        return
    corners = {}
    for width in (390, 1280):
        for is_dark in (False, True):
            path = f"{work}/{width}-{is_dark}.png"
            done = picture(f"http://127.0.0.1:{server.admin_port}/", path, width, 900, is_dark)
            *size, pixels = read_png(path, 1) if os.path.exists(path) else (0, 0, [None])
            corners[width, is_dark] = pixels[0]
            check(size == [width, 900], f"Chromium draws it {width} wide, {'dark' if is_dark else 'light'}", done)
    check(all(corners[w, False] == (255, 255, 255) and max(corners[w, True]) < 64 for w in (390, 1280) if corners[w, True]),
          "light and dark as the reader's system is", corners)


def main():
    with open(f"{work}/list", "w", encoding="utf-8") as out:
        out.write("blocked.example\n")
    subprocess.run([f"{BUILD}/blindlist", "compile", f"{work}/list", "--use-case", USE_CASE, "--out", f"{work}/data"],
                   check=True, stdout=subprocess.DEVNULL, timeout=PROGRAM_S)
    server = Server(f"{work}/data", "--admin", "127.0.0.1:0")
    admin = Client(server.admin_port)
    check(wait_until(lambda: admin.ask("GET", "/readyz")[0] == 200), "it is ready", server.log())
    test_page(admin, server.port)
    test_charts(admin)
    test_bad(admin, f"{work}/data/blindlist-server.state")
    test_pictures(server)
    admin.close()
    check(server.end() == 0, "ends with 0", server.log())


if __name__ == "__main__":
    try:
        main()
    finally:
        Server.end_all()
    sys.exit(finish())
