import Foundation

/// Reports of what was blocked, which supervised devices send from iOS and macOS 27 on; others keep the setting and send nothing.
///
/// A report holds entries of the list that matched, not the URLs that were visited.
public struct FilterReporting: Equatable, Sendable {
    public enum Format: String, Sendable {
        case json, protobuf
    }

    /// Where on the PIR server they go: a path without the slash before it, such as `report`.
    public var endpoint = "report"
    public var format = Format.json
    /// Seconds between two reports; at least ``leastInterval``.
    public var interval: TimeInterval = 86_400

    /// The shortest interval that the system takes.
    public static let leastInterval: TimeInterval = 3_600
    /// Where an app finds what the device's management set for it, in `UserDefaults.standard`.
    public static let managedKey = "com.apple.configuration.managed"

    public init() {}

    /// From the managed app configuration: `reportEndpoint`, `reportFormat` and `reportInterval`. Nil when it has no
    /// `reportEndpoint`.
    ///
    /// - Throws: ``FilterProblem`` that names the key.
    public init?(managed: [String: Any]) throws {
        guard let endpoint = managed["reportEndpoint"] else { return nil }
        guard let endpoint = endpoint as? String else { throw Self.badKey("reportEndpoint", "a path, such as report") }
        self.endpoint = endpoint
        if let format = managed["reportFormat"] {
            guard let known = (format as? String).flatMap(Format.init) else {
                throw Self.badKey("reportFormat", "json or protobuf")
            }
            self.format = known
        }
        if let interval = managed["reportInterval"] {
            guard let seconds = interval as? Int else { throw Self.badKey("reportInterval", "a whole number of seconds") }
            self.interval = TimeInterval(seconds)
        }
    }

    private static func badKey(_ key: String, _ wanted: String) -> FilterProblem {
        FilterProblem(
            "\(key) of the managed configuration is not right.", "It should be \(wanted).", "Have the device's management change it.")
    }

    /// - Throws: ``FilterProblem``.
    func check() throws {
        let isText = endpoint.utf8.allSatisfy { (33...126).contains($0) && !"?#".utf8.contains($0) }
        if !isText || endpoint.isEmpty || endpoint.hasPrefix("/") || endpoint.contains("://") {
            throw FilterProblem(
                "\"\(endpoint)\" is no place for reports.", "It is a whole URL, begins with a slash, or has what no path has.",
                "Write the path on the PIR server, such as report.")
        }
        try URLFilterSetup.check(interval, least: Self.leastInterval, of: "reports")
    }
}
