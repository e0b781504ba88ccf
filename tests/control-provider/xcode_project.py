"""Looks at a folder with an Xcode project of an app and its extension, as control-provider/Example is one and `blindlist ios init`
writes them: project file, property lists and names agree with each other. tests/tap.py says how to reach this file."""
import glob
import os
import plistlib

import openstep
from tap import check

# Members whose values are ids of other objects.
REFERENCES = {"productRef", "fileRef", "containerPortal", "remoteGlobalIDString", "target", "targetProxy", "children", "files",
              "buildConfigurations", "buildConfigurationList", "buildPhases", "dependencies", "fileSystemSynchronizedGroups",
              "packageProductDependencies", "productReference", "exceptions", "mainGroup", "packageReferences",
              "productRefGroup", "targets"}
EXTENSION_POINT = "com.apple.networkextension.url-filter-control"
ENTITLEMENT = "com.apple.developer.networking.networkextension"
APP, EXTENSION = "com.apple.product-type.application", "com.apple.product-type.extensionkit-extension"


def references(value):
    return value if isinstance(value, list) else [value]


class XcodeProject:
    def __init__(self, folder):
        self.folder = folder
        paths = glob.glob(f"{folder}/*.xcodeproj/project.pbxproj")
        self.name = os.path.basename(os.path.dirname(paths[0])).removesuffix(".xcodeproj")
        self.project = openstep.parse(self.read(os.path.relpath(paths[0], folder)))
        self.objects = self.project["objects"]
        self.settings = {}  # build settings by the type of product

    def read(self, path):
        with open(f"{self.folder}/{path}", encoding="utf-8") as file:
            return file.read()

    def property_list(self, path):
        with open(f"{self.folder}/{path}", "rb") as file:
            return plistlib.load(file)

    def of_kind(self, isa):
        return [each for each in self.objects.values() if each["isa"] == isa]

    def check(self):
        self.check_references()
        for target in self.of_kind("PBXNativeTarget"):
            self.check_target(target)
        package = self.of_kind("XCLocalSwiftPackageReference")
        check(os.path.isfile(f"{self.folder}/{package[0]['relativePath']}/Package.swift"),
              f"{self.name}: the package is where it is looked for")
        copies = self.of_kind("PBXCopyFilesBuildPhase")
        check(copies[0]["dstPath"] == "$(EXTENSIONS_FOLDER_PATH)" and copies[0]["dstSubfolderSpec"] == "16",
              f"{self.name}: the extension is embedded in Extensions/")
        self.check_names()

    def check_references(self):
        objects, project = self.objects, self.project
        check(project["objectVersion"] == "77", f"{self.name}: a project with synchronized folders")
        check(objects[project["rootObject"]]["isa"] == "PBXProject", f"{self.name}: its root is a project")
        lost = [f"{key}.{member}" for key, each in objects.items() for member in REFERENCES & set(each)
                for other in references(each[member]) if other not in objects]
        check(not lost, f"{self.name}: every reference leads to an object", lost)
        named = {other for each in objects.values() for member in REFERENCES & set(each) for other in references(each[member])}
        unused = set(objects) - named - {project["rootObject"]}
        check(not unused, f"{self.name}: every object is referred to", unused)

    def check_target(self, target):
        objects = self.objects
        folders = [objects[key] for key in target["fileSystemSynchronizedGroups"]]
        check(all(os.path.isdir(f"{self.folder}/{folder['path']}") for folder in folders),
              f"{self.name}: the folders of {target['name']} are there")
        check(any(os.path.isfile(f"{self.folder}/{folder['path']}/parsing.json") for folder in folders),
              f"{self.name}: {target['name']} carries parsing.json")
        both = [objects[key]["buildSettings"] for key in objects[target["buildConfigurationList"]]["buildConfigurations"]]
        check(len(both) == 2 and both[0] == both[1], f"{self.name}: {target['name']} is signed and named alike in Debug and Release")
        for setting in ("INFOPLIST_FILE", "CODE_SIGN_ENTITLEMENTS"):
            check(os.path.isfile(f"{self.folder}/{both[0][setting]}"), f"{self.name}: {setting} of {target['name']} is there")
        check("Info.plist" in objects[folders[0]["exceptions"][0]]["membershipExceptions"],
              f"{self.name}: Info.plist of {target['name']} is not copied as a resource")
        self.settings[target["productType"]] = both[0]

    def check_names(self):
        app, extension = self.settings[APP], self.settings[EXTENSION]
        app_id, extension_id = app["PRODUCT_BUNDLE_IDENTIFIER"], extension["PRODUCT_BUNDLE_IDENTIFIER"]
        check(extension_id.startswith(app_id + "."), f"{self.name}: the extension's id begins with the app's")
        addresses = self.property_list(app["INFOPLIST_FILE"])["NSPIRConfiguration"]
        check(set(addresses) == {"PIRServerURL", "PrivacyPassIssuerURL"}, f"{self.name}: NSPIRConfiguration")
        for name, url in addresses.items():
            check(url.startswith(("https://", "http://")) and url.count("/") == 2, f"{self.name}: {name} has no path, no slash at its end")
        info = self.property_list(extension["INFOPLIST_FILE"])
        check(info["EXAppExtensionAttributes"] == {"EXExtensionPointIdentifier": EXTENSION_POINT}, f"{self.name}: the extension point")
        prefilter = info["BlindlistPrefilter"]
        check(prefilter["Server"] == addresses["PIRServerURL"], f"{self.name}: the prefilter comes from the PIR server")
        check(prefilter["UseCase"] == f"{app_id}.url.filtering", f"{self.name}: the use case follows from the app's id")
        groups = []
        for settings in (app, extension):
            rights = self.property_list(settings["CODE_SIGN_ENTITLEMENTS"])
            check(rights[ENTITLEMENT] == ["url-filter-provider"], f"{self.name}: url-filter-provider of {settings['INFOPLIST_FILE']}")
            groups.append(rights["com.apple.security.application-groups"])
        check(groups[0] == groups[1] == [prefilter["AppGroup"]], f"{self.name}: one app group for both")
        deployment = self.read("App/Deployment.swift")
        for value in (extension_id, prefilter["AppGroup"], prefilter["UseCase"]):
            check(f'"{value}"' in deployment, f"{self.name}: Deployment.swift names {value}")
