import Foundation

/// Which sub-URLs devices look up, from iOS and macOS 27 on: a parsing configuration.
///
/// The dataset is found only by devices with the configuration that it was compiled for. So app, extension and compiler read one
/// file: `blindlist compile --parsing-configuration parsing.json`, and `parsing.json` among the resources of both bundles. Without
/// a file, and with `{}`, all is as devices do by default.
///
/// The format is that of docs/FILE-FORMATS.md, "Parsing configurations", read as strictly as the compiler reads it, but for keys
/// that are there twice and for the grammar of the regular expression, which the system checks.
public struct URLParsing: Equatable, Sendable {
    /// What becomes of the host.
    public struct Domain: Equatable, Sendable {
        public var excluded = false
        public var stripWWW = true
        /// Labels that are left, from the right; 0: all.
        public var levels: UInt = 0
        /// Whether the hosts above are looked up, too.
        public var enumerateHierarchy = true
    }

    /// What becomes of the path.
    public struct Path: Equatable, Sendable {
        public var excluded = false
        /// Segments that are left, from the left; 0: all.
        public var segments: UInt = 0
        /// Whether the folders above are looked up, too.
        public var enumerateHierarchy = true
    }

    /// What becomes of the query.
    public struct Query: Equatable, Sendable {
        public var excluded = false
        /// Those that are left, in this order; nil: all, as they stand.
        public var parameters: [String]?
    }

    public var excludeScheme = true
    public var domain = Domain()
    public var path = Path()
    public var query = Query()
    public var excludeFragment = false
    /// Whether only what holds the whole URL is looked up, of each host.
    public var excludeIntermediates = false
    public var caseSensitive = false
    /// Instead of all the others: its named groups make the one text that is looked up.
    public var regularExpression: String?

    /// What devices do by default.
    public init() {}

    public var isDefault: Bool { self == URLParsing() }

    /// The name of the file among a bundle's resources.
    public static let resource = "parsing.json"

    /// What is wrong with a file.
    public struct Fault: Error, Equatable, CustomStringConvertible, LocalizedError {
        /// The member, such as `domain.levels`; empty for the whole.
        public let path: String
        public let reason: String
        public var description: String { "\(URLParsing.resource)\(path.isEmpty ? "" : ", \(path)"): \(reason)" }
        public var errorDescription: String? { description }
    }

    /// From a bundle's resource; the default when there is none.
    ///
    /// - Throws: ``Fault``, or what reading the file throws.
    public init(bundle: Bundle) throws {
        if let file = bundle.url(forResource: Self.resource, withExtension: nil) {
            try self.init(json: Data(contentsOf: file))
        } else {
            self.init()
        }
    }

    // MARK: its canonical text

    /// The same options are the same text; nil for the default.
    public var canonicalText: String? {
        if isDefault { return nil }
        if let regularExpression { return "{\"regularExpression\":\(Self.quoted(regularExpression))}" }
        let query =
            query.parameters.map { "{\"excluded\":false,\"parameters\":[\($0.map(Self.quoted).joined(separator: ","))]}" }
            ?? "{\"excluded\":\(query.excluded)}"
        return "{\"excludeScheme\":\(excludeScheme),\"domain\":\(domain.text),\"path\":\(path.text),\"query\":\(query),"
            + "\"excludeFragment\":\(excludeFragment),\"excludeIntermediates\":\(excludeIntermediates),"
            + "\"caseSensitive\":\(caseSensitive)}"
    }

    /// SHA-256 of the canonical text, which a prefilter's manifest has, too; nil for the default.
    public var sha256: String? {
        canonicalText.map { URLFilterKit.sha256(of: Data($0.utf8)) }
    }

    /// Neither names nor expressions hold control characters.
    private static func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}

extension URLParsing.Domain {
    fileprivate var text: String {
        excluded
            ? "{\"excluded\":true}"
            : "{\"excluded\":false,\"stripWWW\":\(stripWWW),\"levels\":\(levels),\"enumerateHierarchy\":\(enumerateHierarchy)}"
    }
}

extension URLParsing.Path {
    fileprivate var text: String {
        excluded ? "{\"excluded\":true}" : "{\"excluded\":false,\"segments\":\(segments),\"enumerateHierarchy\":\(enumerateHierarchy)}"
    }
}

// MARK: reading

extension URLParsing {
    private static let maximumBytes = 65_536
    private static let mostLevels: UInt = 127
    private static let mostSegments: UInt = 4096
    private static let mostParameters = 100
    private static let longestParameter = 200
    private static let longestExpression = 4096

    /// From the file.
    ///
    /// - Throws: ``Fault``.
    public init(json: Data) throws(Fault) {
        guard json.count <= Self.maximumBytes else { throw Fault(path: "", reason: "is larger than \(Self.maximumBytes) bytes") }
        let root: Members
        do {
            root = try JSONDecoder().decode(Members.self, from: json)
        } catch {
            throw Fault(path: "", reason: "is no JSON object")
        }
        try root.check([
            "excludeScheme", "domain", "path", "query", "excludeFragment", "excludeIntermediates", "caseSensitive", "regularExpression",
        ])
        excludeScheme = try root.value("excludeScheme", true)
        domain = try Self.domain(root.object("domain"))
        path = try Self.path(root.object("path"))
        query = try Self.query(root.object("query"))
        excludeFragment = try root.value("excludeFragment", false)
        excludeIntermediates = try root.value("excludeIntermediates", false)
        caseSensitive = try root.value("caseSensitive", false)
        regularExpression = try root.value("regularExpression", nil)
        guard let regularExpression else { return }
        let isText = regularExpression.utf8.allSatisfy { $0 >= 32 && $0 != 127 }
        try root.demand(
            isText && (1...Self.longestExpression).contains(regularExpression.utf8.count), "regularExpression",
            "is empty, too long, or holds a control character")
        try root.demand(root.count == 1, "regularExpression", "nothing else has an effect beside it")
    }

    private static func domain(_ members: Members?) throws(Fault) -> Domain {
        var domain = Domain()
        guard let members else { return domain }
        try members.check(["excluded", "stripWWW", "levels", "enumerateHierarchy"])
        domain.excluded = try members.excluded()
        domain.stripWWW = try members.value("stripWWW", true)
        domain.levels = try members.value("levels", 0)
        domain.enumerateHierarchy = try members.value("enumerateHierarchy", true)
        try members.demand(domain.levels <= mostLevels, "levels", "is out of range")
        return domain
    }

    private static func path(_ members: Members?) throws(Fault) -> Path {
        var path = Path()
        guard let members else { return path }
        try members.check(["excluded", "segments", "enumerateHierarchy"])
        path.excluded = try members.excluded()
        path.segments = try members.value("segments", 0)
        path.enumerateHierarchy = try members.value("enumerateHierarchy", true)
        try members.demand(path.segments <= mostSegments, "segments", "is out of range")
        return path
    }

    private static func query(_ members: Members?) throws(Fault) -> Query {
        var query = Query()
        guard let members else { return query }
        try members.check(["excluded", "parameters"])
        query.excluded = try members.excluded()
        query.parameters = try members.value("parameters", nil)
        guard let names = query.parameters else { return query }
        try members.demand(
            names.count <= mostParameters && Set(names).count == names.count, "parameters", "are too many, or one is there twice")
        for name in names {
            let isPlain = name.utf8.allSatisfy { (33...126).contains($0) && !"&=#".utf8.contains($0) }
            try members.demand(
                isPlain && (1...longestParameter).contains(name.utf8.count), "parameters",
                "\(name) is too long, or holds a blank, '&', '=', '#' or what is not ASCII")
        }
        return query
    }
}

/// The members of a JSON object, each of which must be known.
private struct Members: Decodable {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private let values: KeyedDecodingContainer<Key>

    init(from decoder: any Decoder) throws {
        values = try decoder.container(keyedBy: Key.self)
    }

    var count: Int { values.allKeys.count }

    private func path(_ key: String) -> String {
        (values.codingPath.map(\.stringValue) + [key]).joined(separator: ".")
    }

    func demand(_ holds: Bool, _ key: String, _ reason: String) throws(URLParsing.Fault) {
        if !holds { throw URLParsing.Fault(path: path(key), reason: reason) }
    }

    func check(_ known: Set<String>) throws(URLParsing.Fault) {
        for key in values.allKeys.map(\.stringValue).sorted() { try demand(known.contains(key), key, "is not known") }
    }

    /// `ifMissing` when the member is not there; null is of no type.
    func value<Value: Decodable>(_ key: String, _ ifMissing: Value) throws(URLParsing.Fault) -> Value {
        guard values.contains(Key(stringValue: key)) else { return ifMissing }
        do {
            try demand(!values.decodeNil(forKey: Key(stringValue: key)), key, "is null")
            return try values.decode(Value.self, forKey: Key(stringValue: key))
        } catch {
            throw (error as? URLParsing.Fault) ?? URLParsing.Fault(path: path(key), reason: "has a wrong type or is out of range")
        }
    }

    func object(_ key: String) throws(URLParsing.Fault) -> Members? {
        let members: Members? = try value(key, nil)
        return members
    }

    /// Beside `excluded` nothing else has an effect.
    func excluded() throws(URLParsing.Fault) -> Bool {
        let isExcluded = try value("excluded", false)
        for key in values.allKeys.map(\.stringValue).sorted() where isExcluded && key != "excluded" {
            throw URLParsing.Fault(path: path(key), reason: "has no effect beside excluded")
        }
        return isExcluded
    }
}
