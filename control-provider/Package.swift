// swift-tools-version: 6.2
import Foundation
import PackageDescription

// `blindlist ios init` writes this manifest beside the sources alone: without the folder there is nothing to test.
let hasTests = FileManager.default.fileExists(atPath: Context.packageDirectory + "/Tests")

// On Apple systems NetworkExtension, CryptoKit and os come with the SDK. Elsewhere the package is built
// only to be tested: targets below Tests/ stand in, and no product of a shipped app contains them.
#if canImport(Darwin)
let standIns: [Target] = []
let standInNames: [Target.Dependency] = []
#else
let standIns: [Target] = [
    .target(name: "ExtensionFoundation", path: "Tests/ExtensionFoundation"),
    .target(name: "NetworkExtension", dependencies: ["ExtensionFoundation"], path: "Tests/NetworkExtension"),
    .systemLibrary(name: "CLibcrypto", path: "Tests/CLibcrypto"),
]
let standInNames: [Target.Dependency] = ["NetworkExtension", "CLibcrypto"]
#endif

let tests: [Target] = [.testTarget(name: "URLFilterKitTests", dependencies: ["URLFilterKit"] + standInNames)]

let package = Package(
    name: "URLFilterKit",
    platforms: [.iOS(.v26), .macOS(.v26), .macCatalyst(.v26)],
    products: [.library(name: "URLFilterKit", targets: ["URLFilterKit"])],
    targets: standIns + [.target(name: "URLFilterKit", dependencies: standInNames)] + (hasTests ? tests : []),
    swiftLanguageModes: [.v6]
)
