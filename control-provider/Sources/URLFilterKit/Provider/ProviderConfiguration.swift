import Foundation

/// What a control provider needs to know. Usually it stands in the extension's Info.plist, in the dictionary ``infoKey``:
///
/// | key | | |
/// |---|---|---|
/// | `Server` | string | `https://filter.example.com`; with `UseCase` |
/// | `UseCase` | string | `<app bundle id>.url.filtering` |
/// | `URL` | string | instead of both: of a manifest, of JSON with a URL, or of a property list |
/// | `PublicKey` | string, or array | optional: base64 of the key that signs manifests; of several, one must have |
/// | `AppGroup` | string | optional: an app group, to tell the app what happened last |
/// | `AllowsInsecureHTTP` | Boolean | optional: for a server on the developer's desk |
///
/// The extension carries the app's `parsing.json` (``URLParsing``), when there is one: a prefilter for another is refused.
public struct ProviderConfiguration: Sendable {
    /// Where the prefilter comes from.
    public var source: PrefilterSource
    /// Where to leave a ``PrefilterRecord``; nil: nowhere.
    public var recordFolder: URL?
    /// The largest filter that is handed over in memory, of which the process has about 6 MB.
    public var smallFilterBytes = 256 * 1024

    /// The key of the dictionary in Info.plist.
    public static let infoKey = "BlindlistPrefilter"

    public init(source: PrefilterSource, recordFolder: URL? = nil) {
        self.source = source
        self.recordFolder = recordFolder
    }

    /// What a key of the dictionary has against it.
    public struct Fault: Error, Equatable, CustomStringConvertible, LocalizedError {
        /// The key, with those it lies in.
        public let key: String
        /// What is wrong with it.
        public let reason: String
        public var description: String { "Info.plist, \(key): \(reason)" }
        public var errorDescription: String? { description }
    }

    /// From an Info.plist and `parsing.json`.
    ///
    /// - Throws: ``Fault``, which names the key, or ``URLParsing/Fault``.
    public init(bundle: Bundle) throws {
        try self.init(
            info: bundle.object(forInfoDictionaryKey: Self.infoKey) as? [String: Any] ?? [:], parsing: URLParsing(bundle: bundle))
    }

    /// From the dictionary itself.
    ///
    /// - Throws: ``Fault``, which names the key.
    public init(info: [String: Any], parsing: URLParsing = URLParsing()) throws {
        let known = ["Server", "UseCase", "URL", "PublicKey", "AppGroup", "AllowsInsecureHTTP"]
        if let key = info.keys.sorted().first(where: { !known.contains($0) }) { throw Self.fault(key, "is not known") }
        func text(_ key: String) throws -> String? {
            guard let value = info[key] else { return nil }
            guard let text = value as? String, !text.isEmpty else { throw Self.fault(key, "must be a text") }
            return text
        }
        func address(_ key: String) throws -> URL? {
            guard let value = try text(key) else { return nil }
            guard let url = URL(string: value), url.host() != nil else { throw Self.fault(key, "must be a URL") }
            return url
        }
        var options = PrefilterSource.Options()
        if let value = info["AllowsInsecureHTTP"] {
            guard let isAllowed = value as? Bool else { throw Self.fault("AllowsInsecureHTTP", "must be true or false") }
            options.allowsInsecureHTTP = isAllowed
        }
        if let value = info["PublicKey"] {
            let texts = value as? [String] ?? [value as? String ?? ""]
            options.publicKeys = texts.compactMap { PrefilterPublicKey($0) }
            // Not one that is overlooked: without a key, unsigned manifests would do.
            guard !texts.isEmpty, options.publicKeys.count == texts.count else {
                throw Self.fault("PublicKey", "must be base64 of an Ed25519 key, or an array of such")
            }
        }
        options.parsingSHA256 = parsing.sha256
        switch (try address("URL"), try address("Server"), try text("UseCase")) {
        case (let url?, nil, nil): source = PrefilterSource(url: url, options: options)
        case (nil, let server?, let useCase?): source = PrefilterSource(server: server, useCase: useCase, options: options)
        case (nil, nil, nil): throw Self.fault("Server", "is missing, with UseCase; or URL")
        case (_?, _, _): throw Self.fault("URL", "stands beside Server or UseCase")
        case (nil, nil, _): throw Self.fault("Server", "is missing")
        case (nil, _, nil): throw Self.fault("UseCase", "is missing")
        }
        recordFolder = try text("AppGroup").flatMap(Self.folder(ofAppGroup:))
    }

    /// The folder that apps and extensions of a group share; nil when this process is not of the group.
    public static func folder(ofAppGroup name: String) -> URL? {
        #if canImport(Darwin)
        FileManager.default.containerURL(forSecurityApplicationGroupIdentifier: name)
        #else
        nil  // Apple systems only
        #endif
    }

    private static func fault(_ key: String, _ reason: String) -> Fault {
        Fault(key: "\(infoKey).\(key)", reason: reason)
    }
}
