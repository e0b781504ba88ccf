#!/usr/bin/env python3
"""blindlist update: what its lists and settings mean together, and what its report accounts for. Prints TAP."""
import hashlib
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import check, finish  # noqa: E402
from updating import BUILD, Done, Workplace  # noqa: E402


def test_selection():
    place.write("block.txt", b"ads.example\nwww.ads.example/x\nshop.example\na.shop.example\nevil.example/a/b\n"
          b"gone.example\nicloud.com\n")
    place.write("abp.txt", b"||ads.example^\n||back.example^\n||evil.example/a^\n@@||gone.example^\n"
          b"||back.example^$badfilter\n@@||ads.example^$script\n")
    place.write("allow.txt", b"a.shop.example/cart\nb.shop.example\ncaptive.apple.com\n")
    path = place.lists({"id": "block", "file": "block.txt"}, {"id": "abp", "file": "abp.txt", "format": "adblock"},
                 {"id": "never", "file": "allow.txt", "trust": "allow"})
    done = place.update(path)
    check(done.code == 0 and place.rows() == ["ads.example", "evil.example/a", "shop.example"],
          "allowed, cancelled and redundant keys are no rows", place.rows())
    check(done.json.get("keys") == {"kept": 3, "cancelled": 1, "allowed": 1, "split": 0, "covered": 3},
          "and are counted", done)
    check(done.json["lists"]["exceptions"] == 5 and
          done.json["lists"]["droppedFor"] == {"options": 1, "apple-host": 1}, "as are exceptions", done)
    conflicts = done.json["conflicts"]
    check(conflicts["count"] == 3 and conflicts["solved"] == 0 and
          {"allow": {"key": "b.shop.example", "source": "never", "line": 2},
           "parent": {"key": "shop.example", "source": "block", "line": 3}, "solved": False} in conflicts["samples"] and
          "blindlist: warning: never:2: b.shop.example stays blocked: block:3 blocks shop.example, and devices know "
          "no exceptions\n" in done.err, "an allow entry below a blocked key is named with what blocks it", done)
    version = f"{place.home}/{place.in_force()}"
    entry = json.loads(place.published("dataset.json"))["files"].get("origins", {})
    with open(f"{version}/origins", "rb") as file:
        origins = file.read()
    check(entry.get("sha256") == hashlib.sha256(origins).hexdigest() and origins.endswith(b"block\nabp\nnever\n"),
          "where the keys came from is part of the version", entry)
    verify = [f"{BUILD}/blindlist", "dataset", "verify", "--data", place.data]
    check(Done(verify).code == 0, "it can be verified")
    with open(f"{version}/origins", "r+b") as file:
        file.seek(len(origins) // 2)
        file.write(bytes([origins[len(origins) // 2] ^ 1]))
    done = Done(verify)
    check(done.code == 3 and "origins" in done.out + done.err, "and a flipped bit is found", done)
    with open(f"{version}/origins", "wb") as file:
        file.write(origins)
    place.write("allow.txt", b"a.shop.example/cart\nshop.example\n")
    done = place.update(path)
    check(done.code == 0 and done.json["changed"] and place.rows() == ["ads.example", "evil.example/a"] and
          done.json["conflicts"]["count"] == 0 and "warning" not in done.err, "an allow list changes", done)


def test_account():
    """Every line of every source is accounted for, and each entry once."""
    letters = "abcdefgh"
    plain = "".join(f"{a}{b}.example{c}\n" for a in letters for b in letters for c in ("", "/x", "/x/y"))
    texts = {
        "plain": ("auto", plain + "# comment\n\n||*.wild.example^\nco.uk\nlocalhost\n" + plain[:plain.index("\n", 200) + 1]),
        "hosts": ("hosts", "0.0.0.0 aa.example ab.example ac.example nope\n127.0.0.1 localhost # me\n1.2.3.4 x.example\n"
                  "what\n# c\n"),
        "abp": ("adblock", "[Adblock Plus 2.0]\n||ba.example^\n||bb.example/x^$script\n@@||cc.example^\n||dd.example^\n"
                "||dd.example^$badfilter\n##.ad\n! c\n@@||ee.example^$badfilter\n/re/\n!#if x\n||f.example^\n!#endif\n"),
        "dns": ("dnsmasq", "address=/fa.example/fb.example/0.0.0.0\nserver=/gg.example/#\ncache-size=1\n# c\naddress=//\n"),
        "rpz": ("rpz", "$TTL 60\n@ SOA a. b. 1 2 3 4 5\nha.example CNAME .\n*.ha.example CNAME .\nhb.example A 1.2.3.4\n; c\n"),
        "csv": ("urlhaus-csv", '# c\n"1","now","http://hh.example/x","online"\n"2","now"\n'),
        "urls": ("urlhaus-text", "# c\nhttp://hh.example/x\nhttps://hh.example/y?q\n"),
        "array": ("json", '["aa.example", "x y", "aa.example/x/y/z", "no"]'),
        "never": ("auto", "gh.example\nac.example/x/y/z\n0.0.0.0 ga.example gb.example\n")}
    sources = []
    for name, (form, text) in texts.items():
        place.write(f"account.{name}", text.encode())
        sources.append({"id": name, "file": f"account.{name}", "format": form, "category": f"c-{name}",
                        **({"trust": "allow"} if name == "never" else {})})
    done = place.update(place.lists(*sources))
    check(done.code == 0, "lists of all formats", done)
    report = json.loads(place.published("report.json"))
    for source in report["sources"]:
        name, keys = source["name"], source["keys"]
        text = texts[name][1]
        lines = 4 if name == "array" else text.count("\n")
        check(source["lines"] == lines and lines + source["further"] == source["comments"] + source["entries"],
              f"{name}: all lines are comments or hold entries", source)
        check(source["entries"] == source["exceptions"] + source["dropped"] + sum(keys.values()) and
              source["dropped"] == sum(source["droppedFor"].values()), f"{name}: each entry is accounted for", source)
        check(source["category"] == f"c-{name}" and source["trust"] == ("allow" if name == "never" else "block") and
              (name != "never" or sum(keys.values()) == 0), f"{name}: what lists.json says of it", source)
    totals = {fate: sum(source["keys"][fate] for source in report["sources"]) for fate in report["sources"][0]["keys"]}
    duplicates = totals.pop("duplicates")
    check(totals.pop("rows") == done.json["keys"].pop("kept") == report["rows"] - 1 and
          totals.items() == done.json["keys"].items() and duplicates >= 10 and all(totals[fate] > 0 for fate in
                                                                 ("cancelled", "allowed", "covered")),
          "the sums are those of all keys", [totals, duplicates, done.json["keys"]])
    gone = {(sample["fate"], sample["source"], sample["key"]): sample for sample in report["gone"]}
    for sample in report["gone"]:
        at, by = sample, sample["by"]
        if "array" not in (at["source"], by["source"]):  # whose items stand on one line
            shown = [texts[place["source"]][1].split("\n")[place["line"] - 1] for place in (at, by)]
            check(at["key"].split("/")[0] in shown[0] and by["key"].split("/")[0] in shown[1] and
                  (at["fate"] != "duplicate" or at["key"] == by["key"]), f"{at['fate']} {at['key']}: where it stands", sample)
    check(gone[("cancelled", "plain", "dd.example")]["by"]["source"] == "abp" and
          gone[("allowed", "plain", "cc.example")]["by"] == {"key": "cc.example", "source": "abp", "line": 4} and
          gone[("duplicate", "hosts", "aa.example")]["by"]["source"] == "plain", "samples name what took a key away", gone)
    overlap = {(pair["a"], pair["b"]): pair["keys"] for pair in report["overlap"]}
    check(overlap == {("plain", "hosts"): 3, ("plain", "abp"): 2, ("plain", "dns"): 2, ("plain", "rpz"): 1,
                      ("csv", "urls"): 1, ("hosts", "array"): 1, ("plain", "array"): 1, ("plain", "csv"): 1,
                      ("plain", "urls"): 1}, "which sources share keys", overlap)
    check(report["conflicts"]["count"] >= 1 and report["conflicts"] == done.json["conflicts"],
          "allow entries without effect", report["conflicts"])


def test_settings():
    """Of the output, one by one."""
    def made(text, trust="block", **output):
        place.write("block.txt", "ads.example\nx.ads.example\nshop.example\na.shop.example\nb.shop.example\n")
        place.write("other.txt", text)
        done = place.update(place.lists({"id": "block", "file": "block.txt"},
                                        {"id": "other", "file": "other.txt", "trust": trust}, **output), "--force")
        return done, place.rows()

    done, rows = made("x.ads.example/y\n", prune=False)
    check(rows == ["a.shop.example", "ads.example", "b.shop.example", "shop.example", "x.ads.example",
                   "x.ads.example/y"] and done.json["keys"]["covered"] == 0, "without pruning all keys are rows", rows)
    done, rows = made("a.shop.example\n", trust="allow", splitParents=True)
    check(rows == ["ads.example", "b.shop.example"] and done.json["keys"]["split"] == 1 and
          done.json["conflicts"]["solved"] == 1 and done.err == "",
          "a parent is split where an allow entry needs it", done)
    done, rows = made("never.ads.example\nc.shop.example\n", trust="allow", splitParents=True)
    check(rows == ["a.shop.example", "b.shop.example", "x.ads.example"] and done.json["conflicts"]["solved"] == 2,
          "each of them", done)
    done, rows = made("sub.x.ads.example\n", trust="allow", splitParents=True)
    check("ads.example" in rows and "other:1: sub.x.ads.example stays blocked: block:1 blocks ads.example" in done.err
          and done.json["conflicts"]["solved"] == 0, "but not where nothing would be left of it", done)
    done, rows = made("pir.filter.example\nfilter.example\npir.filter.example/x\nother.filter.example\nicloud.com\n",
                      protect=["https://pir.filter.example/"])
    check("other.filter.example" in rows and not {"filter.example", "pir.filter.example", "icloud.com"} & set(rows) and
          done.json["lists"]["droppedFor"] == {"own-host": 3, "apple-host": 1}, "own hosts are refused", done)
    done, rows = made("icloud.com\n", keepAppleHosts=True)
    check("icloud.com" in rows, "Apple's are not when they need not be", rows)
    many = "".join(f"bad{i}.example\n" for i in range(10000))
    done, _ = made(many, prefilterSize="20KB")
    check(19900 <= done.json.get("prefilterBytes", 0) <= 20000 and 0.0004 < done.json["expectedFalsePositiveRate"] < 0.0006,
          "a prefilter of a size", done)
    done, _ = made(many + "one.more.example\n", prefilterSize="20KB")
    check(19900 <= done.json["prefilterBytes"] <= 20000, "it has that size with more rows, too", done)
    done, _ = made(many, prefilterSize=1 << 28)
    check(done.json["prefilterBytes"] < 40000 and done.json["expectedFalsePositiveRate"] < 2e-6,
          "one that is far too large is not filled", done)
    before = place.in_force()
    place.lists({"id": "block", "file": "block.txt"}, {"id": "other", "file": "other.txt"}, prefilterSize="1KB")
    done = place.update(f"{place.folder}/lists.json")
    check(done.code == 1 and "10003 rows are too many for a prefilter of 1000 bytes" in done.err and
          place.in_force() == before and place.unfinished() == [], "one that is too small is refused", done)
    for output, message in (({"prune": 1}, "$.output.prune: must be true or false"),
                            ({"splitParents": "yes"}, "$.output.splitParents: must be true or false"),
                            ({"keepAppleHosts": 0}, "$.output.keepAppleHosts: must be true or false"),
                            ({"protect": "x.example"}, "$.output.protect: must be an array"),
                            ({"protect": ["x.example", "com"]}, "$.output.protect[1]: "),
                            ({"protect": [7]}, "$.output.protect[0]: must be a text"),
                            ({"prefilterSize": "2 MB"}, "$.output.prefilterSize: must be a number of bytes")):
        done = place.update(place.lists({"id": "block", "file": "block.txt"}, **output))
        check(done.code == 1 and message in done.err and place.in_force() == before, f"named by its path: {output}", done)


def test_rows():
    """Rows as another program has them, and as another dataset has them."""
    place.write("rows.tsv", "# key\tvalue\nads.example\t1\nx.example/a?q=1\nzero.example\t0\nwww.y.example\n"
                "icloud.com\t1\nwww.apple.com/url-filter-test\t1\n")
    done = place.update(place.lists({"id": "rows", "file": "rows.tsv", "format": "rows"}))
    check(done.code == 0 and place.rows() == ["ads.example", "x.example/a?q=1"] and
          done.json["lists"]["droppedFor"] == {"value": 1, "format": 1, "apple-host": 1}, "rows with values", done)
    first = place.in_force()
    place.write("rows.txt", place.published("rows.txt"))
    done = place.update(place.lists({"id": "rows", "file": "rows.txt", "format": "rows"}))
    check(done.code == 0 and done.json["changed"] is False and place.in_force() == first and
          done.json["lists"]["dropped"] == 0, "the rows of a dataset give that dataset", done)


def test_accept():
    """Rules that no key means exactly, kept because lists.json says so."""
    rules = ("[Adblock Plus 2.0]\n||a.example^$third-party\n||b.example^$script,domain=x.example\n||c.example/ad\n"
             "|https://d.example/x^\n||e.example/y|\n||f.example/Z^$match-case\n||g.example^$to=x.example\n"
             "@@||c.example/ad/x^$image\n||h.example/q/\n")
    place.write("abp.txt", rules)

    def made(*accept):
        source = {"id": "abp", "file": "abp.txt", "format": "adblock", "accept": accept}
        return place.update(place.lists(source), "--force")
    done = made()
    check(place.rows() == ["h.example/q"] and done.json["lists"]["differ"] == {"folder": 1}, "none is accepted", done)
    for accept, rows in ((["pages"], ["a.example"]), (["types"], []), (["types", "pages"], ["a.example", "b.example"]),
                         (["open"], ["c.example/ad"]), (["hosts"], ["d.example/x"]), (["deeper"], ["e.example/y"]),
                         (["case"], ["f.example/z"])):
        done = made(*accept)
        differ = done.json["lists"]["differ"]
        check(place.rows() == sorted(rows + ["h.example/q"]) and (set(differ) == {*accept, "folder"} if rows else True),
              f"accepted: {', '.join(accept)}", [place.rows(), differ])
    source = json.loads(place.published("report.json"))["sources"][0]
    check(source["differ"] == {"folder": 1, "case": 1} and source["widened"] == 2, "the report counts them", source)
    done = Done(place.words(f"{place.folder}/lists.json", "--force"))
    done = made("types", "pages")
    place.write("abp.txt", rules + "||i.example^$popup\n")
    done = Done(place.words(f"{place.folder}/lists.json"))
    check("         2 rules for some pages block on all others, too\n" in done.out and
          "         2 rules for some requests block all others, too\n" in done.out, "and people are told", done)
    for accept, message in ((["type"], "$.sources[0].accept[0]: "), ("types", "$.sources[0].accept: must be an array"),
                            (["types", 3], "$.sources[0].accept[1]: ")):
        place.lists({"id": "abp", "file": "abp.txt", "accept": accept})
        done = place.update(f"{place.folder}/lists.json")
        check(done.code == 1 and message in done.err, f"named by its path: {accept}", done)


place = None
for test in (test_selection, test_account, test_settings, test_accept, test_rows):
    place = Workplace("meaning")
    try:
        test()
    finally:
        place.remove()
sys.exit(finish())
