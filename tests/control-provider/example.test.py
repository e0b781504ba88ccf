"""The example app of control-provider/: its project file, property lists and names agree with each other; what knows no
view is type-checked against the stand-in of NetworkExtension, the rest parsed."""
import glob
import os
import plistlib
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import openstep
import swift_tool
from patience import PROGRAM_S
from tap import check, finish, skip

EXAMPLE = os.path.join(swift_tool.PACKAGE, "Example")
PROJECT = f"{EXAMPLE}/BlindlistExample.xcodeproj/project.pbxproj"
# Members whose values are ids of other objects.
REFERENCES = {"productRef", "fileRef", "containerPortal", "remoteGlobalIDString", "target", "targetProxy", "children", "files",
              "buildConfigurations", "buildConfigurationList", "buildPhases", "dependencies", "fileSystemSynchronizedGroups",
              "packageProductDependencies", "productReference", "exceptions", "mainGroup", "packageReferences",
              "productRefGroup", "targets"}
EXTENSION_POINT = "com.apple.networkextension.url-filter-control"
ENTITLEMENT = "com.apple.developer.networking.networkextension"


def read(path):
    with open(f"{EXAMPLE}/{path}", encoding="utf-8") as file:
        return file.read()


def property_list(path):
    with open(f"{EXAMPLE}/{path}", "rb") as file:
        return plistlib.load(file)


def references(value):
    return value if isinstance(value, list) else [value]


def check_project():
    """The project's objects, and the build settings of its targets by their names."""
    with open(PROJECT, encoding="utf-8") as file:
        project = openstep.parse(file.read())
    objects = project["objects"]
    check(project["objectVersion"] == "77", "a project with synchronized folders")
    check(objects[project["rootObject"]]["isa"] == "PBXProject", "its root is a project")
    lost = [f"{key}.{member}" for key, each in objects.items() for member in REFERENCES & set(each)
            for other in references(each[member]) if other not in objects]
    check(not lost, "every reference leads to an object", lost)
    named = {other for each in objects.values() for member in REFERENCES & set(each) for other in references(each[member])}
    unused = set(objects) - named - {project["rootObject"]}
    check(not unused, "every object is referred to", unused)

    settings = {}
    for each in objects.values():
        if each["isa"] != "PBXNativeTarget":
            continue
        folders = [objects[key] for key in each["fileSystemSynchronizedGroups"]]
        check(all(os.path.isdir(f"{EXAMPLE}/{folder['path']}") for folder in folders), f"{each['name']}: its folder is there")
        lists = objects[each["buildConfigurationList"]]["buildConfigurations"]
        both = [objects[key]["buildSettings"] for key in lists]
        check(len(both) == 2 and both[0] == both[1], f"{each['name']}: Debug and Release are signed and named alike")
        for setting in ("INFOPLIST_FILE", "CODE_SIGN_ENTITLEMENTS"):
            check(os.path.isfile(f"{EXAMPLE}/{both[0][setting]}"), f"{each['name']}: {setting} is there")
        check("Info.plist" in objects[folders[0]["exceptions"][0]]["membershipExceptions"],
              f"{each['name']}: Info.plist is not copied as a resource")
        settings[each["productType"]] = both[0]
    package = [each for each in objects.values() if each["isa"] == "XCLocalSwiftPackageReference"]
    check(os.path.isfile(f"{EXAMPLE}/{package[0]['relativePath']}/Package.swift"), "the package is where it is looked for")
    copies = [each for each in objects.values() if each["isa"] == "PBXCopyFilesBuildPhase"]
    check(copies[0]["dstPath"] == "$(EXTENSIONS_FOLDER_PATH)" and copies[0]["dstSubfolderSpec"] == "16",
          "the extension is embedded in Extensions/")
    return (settings["com.apple.product-type.application"], settings["com.apple.product-type.extensionkit-extension"])


def check_names(app, extension):
    app_id, extension_id = app["PRODUCT_BUNDLE_IDENTIFIER"], extension["PRODUCT_BUNDLE_IDENTIFIER"]
    check(extension_id.startswith(app_id + "."), "the extension's id begins with the app's")
    addresses = property_list(app["INFOPLIST_FILE"])["NSPIRConfiguration"]
    check(set(addresses) <= {"PIRServerURL", "PrivacyPassIssuerURL"} and "PIRServerURL" in addresses, "NSPIRConfiguration")
    for name, url in addresses.items():
        check(url.startswith("https://") and url.count("/") == 2, f"{name}: https, no path, no slash at its end")
    info = property_list(extension["INFOPLIST_FILE"])
    check(info["EXAppExtensionAttributes"] == {"EXExtensionPointIdentifier": EXTENSION_POINT}, "the extension point")
    prefilter = info["BlindlistPrefilter"]
    check(prefilter["Server"] == addresses["PIRServerURL"], "the prefilter comes from the PIR server")
    check(prefilter["UseCase"] == f"{app_id}.url.filtering", "the use case follows from the app's id")
    groups = []
    for settings in (app, extension):
        rights = property_list(settings["CODE_SIGN_ENTITLEMENTS"])
        check(rights[ENTITLEMENT] == ["url-filter-provider"], f"{settings['CODE_SIGN_ENTITLEMENTS']}: url-filter-provider")
        groups.append(rights["com.apple.security.application-groups"])
    check(groups[0] == groups[1] == [prefilter["AppGroup"]], "one app group for both")
    deployment = read("App/Deployment.swift")
    for value in (extension_id, prefilter["AppGroup"], prefilter["UseCase"]):
        check(f'"{value}"' in deployment, f"Deployment.swift names {value}")


def check_sources():
    swift, why = swift_tool.find()
    if swift is None:
        return skip(f"{why}: the example's sources are not checked")
    compiler = os.path.join(os.path.dirname(swift), "swiftc")
    code, output = swift_tool.package(swift, "build", "--target", "URLFilterKit", "--quiet")
    check(code == 0, "swift build", "\n".join(output.splitlines()[-20:]))
    code, folder = swift_tool.package(swift, "build", "--show-bin-path")
    modules = f"{folder.splitlines()[-1]}/Modules"

    def compiled(*words):
        done = subprocess.run([compiler, "-swift-version", "6", "-warnings-as-errors", *words], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PROGRAM_S, check=False)
        return done.returncode == 0, done.stdout.decode("utf-8", "replace")

    sources = sorted(glob.glob(f"{EXAMPLE}/*/*.swift"))
    views = [path for path in sources if "import SwiftUI" in read(os.path.relpath(path, EXAMPLE))]
    good, output = compiled("-parse", *sources)
    check(good, "all of the example parses", output)
    for folder in ("App", "Provider"):
        rest = [path for path in sources if path not in views and f"/{folder}/" in path]
        good, output = compiled("-typecheck", "-parse-as-library", "-I", modules, "-I", f"{swift_tool.PACKAGE}/Tests/CLibcrypto",
                                *rest)
        check(good, f"{folder}: what knows no view has the right types", output)
    return None


app_settings, extension_settings = check_project()
check_names(app_settings, extension_settings)
check_sources()
sys.exit(finish())
