#!/usr/bin/env python3
"""Filter lists that include others, fetched from a web server. Prints TAP."""
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from patience import PROGRAM_S  # noqa: E402
from served import working_folder  # noqa: E402
from tap import check, finish  # noqa: E402

PROGRAM = os.path.join(os.environ.get("BUILD", "build"), "blindlist")
USE_CASE = "one.example.url.filtering"


class Handler(http.server.BaseHTTPRequestHandler):
    texts = {}

    def log_message(self, *_):
        pass

    def do_GET(self):
        text = Handler.texts.get(self.path)
        self.send_response(404 if text is None else 200)
        self.end_headers()
        self.wfile.write((text or "").encode())


def update(folder, url):
    with open(os.path.join(folder, "lists.json"), "w", encoding="utf-8") as file:
        json.dump({"useCase": USE_CASE,
                   "output": {"guard": {"maxShrink": 0.9, "maxGrowth": 9}},
                   "sources": [{"id": "ubo", "url": url, "allowHttp": True, "format": "adblock", "retries": 0,
                                "license": "GPLv3"}]}, file)
    done = subprocess.run([PROGRAM, "update", os.path.join(folder, "lists.json"), "--data", folder],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PROGRAM_S)
    return done.returncode, done.stderr.decode()


def main():
    folder = working_folder("includes")
    current = os.path.join(folder, USE_CASE, "current")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/filters/all.txt?v=1"
    try:
        Handler.texts = {"/filters/all.txt?v=1": "||a.example^\n!#include years/2020.txt\n!#if env_mobile\n"
                                                 "!#include mobile.txt\n!#endif\n",
                         "/filters/years/2020.txt": "||b.example^\n!#include more.txt\n",
                         "/filters/years/more.txt": "||c.example^\n!#include 2020.txt\n"}
        code, err = update(folder, url)
        with open(os.path.join(current, "rows.txt"), encoding="utf-8") as file:
            rows = file.read().split()
        check(code == 0 and rows == ["a.example", "b.example", "c.example", "www.apple.com/url-filter-test"],
              "lists that are included, by included ones, and in a circle", err + str(rows))
        with open(os.path.join(current, "dataset.json"), encoding="utf-8") as file:
            sources = json.load(file)["sources"]
        check([(source["name"], source["license"]) for source in sources] ==
              [(name, "GPLv3") for name in ("ubo", "ubo/years/2020.txt", "ubo/more.txt")], "are sources", sources)
        before = os.path.realpath(current)
        del Handler.texts["/filters/years/more.txt"]
        code, err = update(folder, url)
        check(code == 0 and "ubo/more.txt" in err and "the copy" in err and os.path.realpath(current) == before,
              "a copy stands in for one that is down", err)
        Handler.texts["/filters/all.txt?v=1"] += "!#include gone.txt\n"
        code, err = update(folder, url)
        check(code == 1 and "ubo/gone.txt" in err and "404" in err and os.path.realpath(current) == before,
              "one that was never there stops the update", err)
        Handler.texts["/filters/all.txt?v=1"] = "||a.example^\n!#include https://other.example/x.txt\n"
        code, err = update(folder, url)
        check(code == 1 and "ubo, line 2: !#include of what is not below the list's own folder" in err and
              "other.example" not in err, "nothing is fetched from elsewhere", err)
    finally:
        server.shutdown()
        shutil.rmtree(folder)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
