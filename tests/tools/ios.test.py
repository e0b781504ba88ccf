#!/usr/bin/env python3
"""blindlist ios: profiles have every key and are read by another reader, wrong ones are refused with the key named;
sources have the names of a deployment filled in; the checklist has its values. Prints TAP."""
import base64
import json
import os
import plistlib
import re
import shutil
import stat
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from served import working_folder  # noqa: E402
from tap import check, finish  # noqa: E402
from updating import BUILD, Done  # noqa: E402

NAMES = ["--bundle-id", "com.example.app", "--server", "https://pir.example.com", "--issuer",
         "https://issuer.example.com"]
TOKEN = "aToken<&>of-the-test"


def ios(*words):
    return Done([f"{BUILD}/blindlist", "ios", *words])


# ---- profiles ----

def written(folder, *words):
    path = f"{folder}/written.mobileconfig"
    done = ios("profile", *NAMES, "--token", TOKEN, "--out", path, *words)
    if done.code != 0:
        raise RuntimeError(str(done))
    return path


def test_written(folder):
    path = written(folder, "--name", "Safe & sound", "--organization", "Example", "--fail-closed",
                   "--designated-requirement", 'identifier "a"', "--prefilter-interval", "3600", "--report-endpoint",
                   "report", "--report-format", "protobuf", "--report-interval", "7200")
    with open(path, "rb") as file:
        profile = plistlib.load(file)
    check(profile["PayloadType"] == "Configuration" and profile["PayloadOrganization"] == "Example", "plistlib reads it",
          profile)
    payload = profile["PayloadContent"][0]
    check(payload["PayloadType"] == "com.apple.webcontent-filter" and payload["FilterURLs"] is True and
          payload["PluginBundleID"] == "com.example.app" and payload["UserDefinedName"] == "Safe & sound",
          "the payload is a filter of URLs", payload)
    check(payload["URLFilterParameters"] == {
        "PIRServerURL": "https://pir.example.com", "PIRPrivacyPassIssuerURL": "https://issuer.example.com",
        "PIRAuthenticationToken": TOKEN, "URLFilterControlProviderBundleIdentifier": "com.example.app.URLFilter",
        "URLFilterControlProviderDesignatedRequirement": 'identifier "a"', "URLFilterFailClosed": True,
        "URLPrefilterFetchFrequency": 3600}, "with every parameter", payload["URLFilterParameters"])
    check(payload["VendorConfig"] == {"reportEndpoint": "report", "reportFormat": "protobuf",
                                      "reportInterval": 7200}, "and reporting", payload)
    check(payload["PayloadUUID"] != profile["PayloadUUID"], "the UUIDs differ")
    check(profile["PayloadScope"] == "System" and "ContentFilterUUID" not in payload, "for all users, of supervised devices")
    check(stat.S_IMODE(os.stat(path).st_mode) == 0o600, "nobody else may read the file, which has the token")
    done = ios("profile", "--check", path, *NAMES)
    check(done.code == 0 and done.out == f"{path}: right\n", "it passes its own check", done)
    check_schema(profile)
    with open(path, "rb") as file:
        first = file.read()
    shown = ios("profile", *NAMES, "--token", TOKEN, "--name", "URL filter")
    with open(written(folder), "rb") as file:
        check(file.read().decode() == shown.out and shown.out.encode() != first, "without --out it is printed")
    token_file = f"{folder}/token"
    with open(token_file, "w", encoding="utf-8") as file:
        file.write(TOKEN + "\n")
    done = ios("profile", *NAMES, "--token-file", token_file)
    check(done.out == shown.out, "with the token from a file it is the same", done)


def check_schema(profile):
    """As Apple's schema of both payloads has it (TopLevel, WebContentFilter), and what is required there."""
    kinds = {
        "PayloadContent": list, "PayloadDisplayName": str, "PayloadIdentifier": str, "PayloadOrganization": str, "PayloadScope": str,
        "PayloadType": str, "PayloadUUID": str, "PayloadVersion": int, "FilterType": str, "FilterURLs": bool, "PluginBundleID": str,
        "UserDefinedName": str, "ContentFilterUUID": str, "URLFilterParameters": dict, "VendorConfig": dict, "PIRServerURL": str,
        "PIRPrivacyPassIssuerURL": str, "PIRAuthenticationToken": str, "URLFilterControlProviderBundleIdentifier": str,
        "URLFilterControlProviderDesignatedRequirement": str, "URLFilterFailClosed": bool, "URLPrefilterFetchFrequency": int}
    payload = profile["PayloadContent"][0]
    dicts = [profile, payload, payload["URLFilterParameters"]]
    wrong = [key for each in dicts for key, value in each.items() if kinds.get(key) is not type(value)]
    check(not wrong, "keys and types are those of the schema", wrong)
    missing = {"PIRServerURL", "PIRPrivacyPassIssuerURL", "PIRAuthenticationToken",
               "URLFilterControlProviderBundleIdentifier"} - set(dicts[2])
    check(not missing, "so is what it requires", missing)


def test_issuer_and_supervision(folder):
    done = ios("profile", "--bundle-id", "com.example.app", "--server", "https://pir.example.com", "--token", "t",
               "--unsupervised")
    profile = plistlib.loads(done.out.encode())
    payload = profile["PayloadContent"][0]
    check(payload["URLFilterParameters"]["PIRPrivacyPassIssuerURL"] == "https://pir.example.com",
          "without another issuer the server is told, since the schema requires one", done)
    check(re.fullmatch(r"[0-9A-F-]{36}", payload["ContentFilterUUID"]), "iPhones without supervision need ContentFilterUUID")
    check_schema(profile)
    with open(f"{folder}/unsupervised", "w", encoding="utf-8") as file:
        file.write(done.out)
    done = ios("profile", "--check", f"{folder}/unsupervised")
    check(done.code == 0, "that is right, too", done)


def put(key, value):
    """A change of the filter's parameters."""
    def change(profile):
        profile["PayloadContent"][0]["URLFilterParameters"][key] = value
    return change


def put_filter(key, value):
    def change(profile):
        profile["PayloadContent"][0][key] = value
    return change


def put_top(key, value):
    def change(profile):
        profile[key] = value
    return change


def renamed(old, new):
    def change(profile):
        parameters = profile["PayloadContent"][0]["URLFilterParameters"]
        parameters[new] = parameters.pop(old)
    return change


def without(*path):
    def change(profile):
        at = profile
        for key in path[:-1]:
            at = at[key]
        del at[path[-1]]
    return change


PARAMETERS = "PayloadContent[0].URLFilterParameters"
WRONG = [  # what is done, the keys that are named
    (renamed("PIRServerURL", "PIRServerUrl"), {f"{PARAMETERS}.PIRServerUrl", f"{PARAMETERS}.PIRServerURL"}),
    (put("PirTypo", 1), {f"{PARAMETERS}.PirTypo"}),
    (put("PIRServerURL", "https://pir.example.com/"), {f"{PARAMETERS}.PIRServerURL"}),
    (put("PIRServerURL", "https://pir.example.com:8443"), {f"{PARAMETERS}.PIRServerURL"}),
    (put("PIRServerURL", "http://pir.example.com"), {f"{PARAMETERS}.PIRServerURL"}),
    (put("PIRServerURL", 7), {f"{PARAMETERS}.PIRServerURL"}),
    (put("PIRPrivacyPassIssuerURL", "https://issuer.example.com/issue"), {f"{PARAMETERS}.PIRPrivacyPassIssuerURL"}),
    (put("PIRAuthenticationToken", "Bearer abc"), {f"{PARAMETERS}.PIRAuthenticationToken"}),
    (put("PIRAuthenticationToken", "abc\n"), {f"{PARAMETERS}.PIRAuthenticationToken"}),
    (put("PIRAuthenticationToken", ""), {f"{PARAMETERS}.PIRAuthenticationToken"}),
    (put("URLFilterControlProviderBundleIdentifier", "noDots"),
     {f"{PARAMETERS}.URLFilterControlProviderBundleIdentifier"}),
    (put("URLFilterControlProviderBundleIdentifier", "com.example.application.URLFilter"),
     {f"{PARAMETERS}.URLFilterControlProviderBundleIdentifier"}),
    (put("URLFilterFailClosed", "false"), {f"{PARAMETERS}.URLFilterFailClosed"}),
    (put("URLPrefilterFetchFrequency", 600), {f"{PARAMETERS}.URLPrefilterFetchFrequency"}),
    (put("URLPrefilterFetchFrequency", 3600.0), {f"{PARAMETERS}.URLPrefilterFetchFrequency"}),
    (without("PayloadContent", 0, "URLFilterParameters", "PIRAuthenticationToken"),
     {f"{PARAMETERS}.PIRAuthenticationToken"}),
    (without("PayloadContent", 0, "URLFilterParameters"), {PARAMETERS}),
    (put_filter("FilterURLs", False), {"PayloadContent[0].FilterURLs"}),
    (without("PayloadContent", 0, "FilterURLs"), {"PayloadContent[0].FilterURLs"}),
    (put_filter("FilterType", "BuiltIn"), {"PayloadContent[0].FilterType"}),
    (put_filter("PayloadUUID", "no-uuid"), {"PayloadContent[0].PayloadUUID"}),
    (put_filter("FilterUrls", True), {"PayloadContent[0].FilterUrls"}),
    (put_filter("FilterGrade", "best"), {"PayloadContent[0].FilterGrade"}),
    (put_filter("DenyListURLs", []), {"PayloadContent[0].DenyListURLs"}),
    (put_filter("PluginBundleID", "com"), {"PayloadContent[0].PluginBundleID"}),
    (put_filter("UserDefinedName", ""), {"PayloadContent[0].UserDefinedName"}),
    (put_filter("ContentFilterUUID", 1), {"PayloadContent[0].ContentFilterUUID"}),
    (put_filter("VendorConfig", {"reportFormat": "xml", "reportInterval": 60, "theirs": 1}),
     {"PayloadContent[0].VendorConfig.reportFormat", "PayloadContent[0].VendorConfig.reportInterval"}),
    (put_filter("VendorConfig", {"reportEndpoint": "https://pir.example.com/report", "reportInterval": "3600"}),
     {"PayloadContent[0].VendorConfig.reportEndpoint", "PayloadContent[0].VendorConfig.reportInterval"}),
    (put_filter("VendorConfig", {"reportEndpoint": "/report"}), {"PayloadContent[0].VendorConfig.reportEndpoint"}),
    (put_filter("VendorConfig", "none"), {"PayloadContent[0].VendorConfig"}),
    (without("PayloadContent", 0, "URLFilterParameters", "PIRPrivacyPassIssuerURL"), {f"{PARAMETERS}.PIRPrivacyPassIssuerURL"}),
    (without("PayloadContent", 0, "PluginBundleID"), {"PayloadContent[0].PluginBundleID"}),
    (without("PayloadContent", 0, "FilterType"), {"PayloadContent[0].FilterType"}),
    (put_top("PayloadScope", "User"), {"PayloadScope"}),
    (put_top("TargetDeviceType", 4), {"TargetDeviceType"}),
    (put_top("IsEncrypted", True), {"IsEncrypted"}),
    (put_filter("PayloadType", "com.apple.other"), {"PayloadContent"}),
    (without("PayloadContent", 0, "PayloadType"), {"PayloadContent[0].PayloadType", "PayloadContent"}),
    (put_top("PayloadType", "Profile"), {"PayloadType"}),
    (put_top("PayloadVersion", 2), {"PayloadVersion"}),
    (put_top("Payload", 2), {"Payload"}),
    (without("PayloadUUID"), {"PayloadUUID"}),
    (put_top("PayloadContent", {}), {"PayloadContent"}),
]


def test_wrong(folder):
    right = written(folder)
    path = f"{folder}/wrong.mobileconfig"
    for change, keys in WRONG:
        with open(right, "rb") as file:
            profile = plistlib.load(file)
        change(profile)
        with open(path, "wb") as file:
            plistlib.dump(profile, file)
        done = ios("profile", "--check", path, "--json")
        told = {fault["key"] for fault in json.loads(done.out)["faults"]} if done.out else None
        check(done.code == 3 and told == keys, f"named: {' '.join(sorted(keys))}", f"{told}\n{done}")
    done = ios("profile", "--check", right, "--server", "https://other.example.com", "--bundle-id", "com.example.other")
    check(done.code == 3 and f"{PARAMETERS}.PIRServerURL: is https://pir.example.com, should be" in done.out and
          "PluginBundleID: is com.example.app" in done.out and ", line " in done.out, "other names are told", done)
    with open(right, "rb") as file:
        profile = plistlib.load(file)
    with open(path, "wb") as file:
        plistlib.dump(profile, file, fmt=plistlib.FMT_BINARY)
    done = ios("profile", "--check", path)
    check(done.code == 1 and "plutil" in done.err, "a binary one is refused by name", done)
    done = ios("profile", "--check", f"{folder}/nowhere")
    check(done.code == 1 and "nowhere" in done.err, "one that is not there is named", done)


# ---- sources ----

def load(path):
    with open(path, "rb") as file:
        return plistlib.load(file)


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def files_of(out):
    return sorted(os.path.join(where, name) for where, _, names in os.walk(out) for name in names)


def test_init(folder):
    out = f"{folder}/MyFilter"
    done = ios("init", *NAMES, "--out", out)
    files = files_of(out)
    check(done.code == 0 and sorted(done.out.split()) == files, "every file is named", done)
    check({f"{out}/{name}" for name in ("MyFilter.xcodeproj/project.pbxproj", "App/MyFilterApp.swift", "App/Info.plist",
                                        "Provider/ControlProvider.swift", "Shared/parsing.json", "URLFilterKit/Package.swift")}
          < set(files), "the project, app, extension and package are there", files)
    check(load(f"{out}/App/Info.plist") == {"NSPIRConfiguration": {
        "PIRServerURL": "https://pir.example.com", "PrivacyPassIssuerURL": "https://issuer.example.com"}},
        "Info.plist has the names of the service")
    mine = [path for path in files if "/URLFilterKit/" not in path]
    left = [path for path in mine if re.search("BlindlistExample|com.example.blindlist|filter.example.com", text_of(path))]
    check(not left, "no name of the example is left", left)
    check(load(f"{out}/Provider/Info.plist")["BlindlistPrefilter"] == {
        "AppGroup": "group.com.example.app", "Server": "https://pir.example.com", "UseCase": "com.example.app.url.filtering"},
        "the extension knows where the prefilter is")
    check('"com.example.app.URLFilter"' in text_of(f"{out}/App/Deployment.swift"), "the app knows its extension")
    before = [text_of(path) for path in files]
    done = ios("init", *NAMES, "--server", "https://other.example.com", "--out", out)
    check(done.code == 1 and "exists already" in done.err and [text_of(path) for path in files] == before,
          "a folder that is there stays as it is", done)


def test_init_for_development(folder):
    token = f"{folder}/token"
    with open(token, "w", encoding="utf-8") as file:
        file.write("secret-of-the-test\n")
    out = f"{folder}/develop"
    done = ios("init", "--development", "--bundle-id", "com.example.app", "--server", "http://127.0.0.1:8080",
               "--token-file", token, "--parsing-configuration", "examples/parsing.json", "--name", "Other", "--out", out)
    check(done.code == 0 and 'authenticationToken = "secret-of-the-test"' in text_of(f"{out}/App/Deployment.swift"),
          "the token is filled in", done)
    check(stat.S_IMODE(os.stat(f"{out}/App/Deployment.swift").st_mode) == 0o600, "where nobody else may read it")
    check(load(f"{out}/App/Info.plist")["NSPIRConfiguration"]["PrivacyPassIssuerURL"] == "http://127.0.0.1:8080",
          "the issuer is the server")
    http = {"NSAllowsArbitraryLoads": True}
    check(load(f"{out}/App/Info.plist")["NSAppTransportSecurity"] == http and
          load(f"{out}/Provider/Info.plist")["NSAppTransportSecurity"] == http and
          load(f"{out}/Provider/Info.plist")["BlindlistPrefilter"]["AllowsInsecureHTTP"] is True, "both may use http")
    check(json.loads(text_of(f"{out}/Shared/parsing.json"))["query"] == {"excluded": False, "parameters": ["v", "list"]},
          "both have the parsing configuration")
    check(os.path.exists(f"{out}/Other.xcodeproj"), "it is called as --name says")
    check("NSLocalNetworkUsageDescription" in load(f"{out}/App/Info.plist"), "and says what the local network is for")
    keys = [base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2)]
    for count, wanted in ((1, keys[0]), (2, keys)):
        words = [word for key in keys[:count] for word in ("--public-key", key)]
        done = ios("init", *NAMES, *words, "--out", f"{folder}/Pinned{count}")
        check(done.code == 0 and load(f"{folder}/Pinned{count}/Provider/Info.plist")["BlindlistPrefilter"]["PublicKey"] == wanted,
              f"{count} pinned", done)
    with open(token, "w", encoding="utf-8") as file:
        file.write('quote"\n')
    for words, what in ((["--token-file", token], "quote"), (["--token-file", f"{folder}/nowhere"], "nowhere"),
                        (["--parsing-configuration", token], "token")):
        done = ios("init", *NAMES, *words, "--out", f"{folder}/half")
        check(done.code == 1 and what in done.err and not os.path.exists(f"{folder}/half"), f"{what}: nothing is left",
              done)
    left = [name for name in os.listdir(folder) if name.startswith(".")]
    check(not left, "no temporary folder stays", left)


# ---- the relay ----

def test_checklist(folder):
    with open(f"{folder}/list", "w", encoding="utf-8") as file:
        file.write("bad.example\n")
    done = Done([f"{BUILD}/blindlist", "compile", f"{folder}/list", "--use-case", "com.example.app.url.filtering",
                 "--out", f"{folder}/data"])
    check(done.code == 0, "a dataset is made", done)
    done = ios("checklist", *NAMES, "--gateway", "https://gateway.example.com", "--data", f"{folder}/data",
               "--users", "europe=20000", "--users", "asia=1", "--lookups", "100")
    for part in ('pir.example.com. IN TXT "apple-url-filter=com.example.app"', "www.apple.com/url-filter-test, value 1",
                 "token issuer           issuer.example.com", "gateway                gateway.example.com",
                 "use case               com.example.app.url.filtering"):
        check(part in done.out, f"told: {part}", done)
    check(re.search(r"europe +2000000 +70$", done.out, re.M) and re.search(r"asia +100 +1$", done.out, re.M) and
          re.search(r"africa +0 +0$", done.out, re.M), "rates of a day and of the peak", done)
    sizes = [int(size) for size in re.findall(r"(?:request|response) +(\d+) bytes", done.out)]
    check(len(sizes) == 3 and sizes[0] > sizes[1] > 1024 and sizes[2] > 1024, "sizes", done)
    done = ios("checklist", *NAMES)
    check(done.code == 0 and done.out.count("____") >= 12, "what is not known is left open", done)
    done = ios("checklist", *NAMES, "--data", f"{folder}/none")
    check(done.code == 1 and not done.out, "a dataset that is not there is an error", done)


def test_usage():
    for words, what in (
            (["init", *NAMES], "--out"), (["init", "--out", "x"], "--bundle-id"), (["init", *NAMES, "x"], "x"),
            (["init", *NAMES, "--out", "my-filter"], "--name"), (["init", *NAMES, "--out", "x", "--name", "1x"], "letter"),
            (["init", *NAMES, "--out", "x", "--name", "URLFilterKit"], "taken"),
            (["init", *NAMES, "--out", "x", "--package", 'a"'], "--package"),
            (["init", *NAMES, "--out", "x", "--public-key", "AAAA"], "public key"),
            (["checklist", *NAMES, "--users", "atlantis=3"], "europe=20000"),
            (["checklist", *NAMES, "--users", "asia=x"], "number"),
            (["checklist", *NAMES, "--gateway", "https://a.example/"], "host name"),
            (["profile"], "--bundle-id and --server"), (["profile", *NAMES], "--token"),
            (["profile", *NAMES, "--token", "a", "--token-file", "b"], "--token"),
            (["profile", *NAMES, "--token", "a", "--prefilter-interval", "2699"], "2700"),
            (["profile", *NAMES, "--token", "a", "--report-interval", "60"], "3600"),
            (["profile", *NAMES, "--token", "a", "--report-format", "xml"], "json or protobuf"),
            (["profile", *NAMES, "--token", "a", "--report-endpoint", "https://pir.example.com/report"], "path on the server"),
            (["profile", *NAMES, "--token", "a", "--report-endpoint", "report", "--unsupervised"], "supervised"),
            (["profile", *NAMES, "--token", "a", "--server", "https://pir.example.com/"], "slash"),
            (["profile", *NAMES, "--token", "a", "--issuer", "http://localhost:1"], "https://"),
            (["profile", *NAMES, "--token", "a", "--extension-id", "com.other.filter"], "--extension-id"),
            (["profile", *NAMES, "--token", "a", "--bundle-id", "x"], "bundle identifier")):
        done = ios(*words)
        check(done.code == 2 and what in done.err and not done.out, f"ios {' '.join(words)[:70]}: {what}", done)


def main():
    folder = working_folder("ios")
    try:
        test_written(folder)
        test_issuer_and_supervision(folder)
        test_wrong(folder)
        test_init(folder)
        test_init_for_development(folder)
        test_checklist(folder)
        test_usage()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


main()
sys.exit(finish())
