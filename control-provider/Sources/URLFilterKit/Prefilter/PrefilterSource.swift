import Foundation

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// A prefilter as it was fetched: its numbers, and the file with its bits.
public struct FetchedPrefilter: Equatable, Sendable {
    /// Tells this filter from others; to be given to the next ``PrefilterSource/fetch(existingTag:)``.
    public let tag: String
    /// Bits of the filter.
    public let bitCount: Int
    /// Positions of each key.
    public let hashCount: Int
    /// The seed of the second hash function.
    public let murmurSeed: UInt32
    /// Bytes of the filter.
    public var byteCount: Int { (bitCount + 7) / 8 }
    /// The bits, in the source's work folder, until the next fetch there brings other ones. Whoever fetched it may move it.
    public let file: URL

    /// The filter, to be asked. Its bits stay in the file.
    public func filter() throws -> BloomFilter {
        try BloomFilter(bitCount: bitCount, hashCount: hashCount, murmurSeed: murmurSeed, contentsOf: file)
    }
}

/// Fetches a prefilter: from a blindlist server, from any web server that has a manifest and bits, or as a property list.
///
/// ```swift
/// let source = PrefilterSource(server: URL(string: "https://filter.example.com")!, useCase: "com.example.app.url.filtering")
/// if let new = try await source.fetch(existingTag: tag) { … }
/// ```
///
/// - The bits go to a file piece by piece, with their SHA-256 computed on the way, and large filters are asked for in parts of 256 KiB:
///   the process never holds the filter, whatever its size.
/// - What breaks off is continued, in the same fetch or in one after the process was killed (`Range` with `If-Range`; property lists
///   are fetched again from their beginning).
/// - What has not changed is not sent again (`If-None-Match`). What is replaced during the fetch is fetched as it is then.
/// - Sizes and digest are checked, and with a pinned key the manifest's signature, before anybody sees the file.
/// - Errors that may pass are followed by another try, after a growing wait, or the one that the server asks for.
///
/// Threads: any. A work folder is of one fetch at a time, in whatever process: a second one ends in ``PrefilterError/busy``, so sources
/// of several apps have a folder each.
public struct PrefilterSource: Sendable {
    /// What a fetch keeps to.
    public struct Options: Sendable {
        /// Take manifests only that one of these keys signed; empty: also unsigned ones. With a key, property lists and JSON of other
        /// tools are refused, since they carry no signature. Several are for the time in which one key follows another.
        public var publicKeys: [PrefilterPublicKey] = []
        /// SHA-256 of the app's parsing configuration (`blindlist compile` prints it); nil: the system's own. A manifest for
        /// another one is refused.
        public var parsingSHA256: String?
        /// The largest filter that is taken.
        public var maximumBytes = 512 * 1024 * 1024
        /// Without a byte for so long, an attempt is given up.
        public var idleTimeout: Duration = .seconds(30)
        /// All attempts together.
        public var totalTimeout: Duration = .seconds(15 * 60)
        /// Attempts that fail one after the other; those that bring some of the bits begin the count anew.
        public var attempts = 4
        /// The wait after the first attempt; doubled after each, with some randomness.
        public var firstDelay: Duration = .seconds(1)
        /// Where parts, the file and what the server said of it are kept. The default is in the process's temporary folder, from
        /// which the system takes filters over.
        public var workFolder = FileManager.default.temporaryDirectory.appending(path: "URLFilterKit", directoryHint: .isDirectory)
        /// Also http, for a server on the developer's desk.
        public var allowsInsecureHTTP = false

        /// What is said above.
        public init() {}

        /// What a manifest must fulfil, as a text: keys and parsing configuration.
        var terms: String {
            (publicKeys.map { $0.rawBytes.base64EncodedString() } + [parsingSHA256 ?? ""]).joined(separator: " ")
        }
    }

    /// Where the manifest, the JSON with a URL, or the property list is.
    public let url: URL
    public let options: Options

    /// - Parameter url: of the manifest, of the JSON with a URL, or of the property list.
    public init(url: URL, options: Options = Options()) {
        self.url = url
        self.options = options
    }

    /// The prefilter of a blindlist server.
    ///
    /// - Parameters:
    ///   - server: `https://filter.example.com`.
    ///   - useCase: `<app bundle id>.url.filtering`.
    public init(server: URL, useCase: String, options: Options = Options()) {
        self.init(url: server.appending(path: "prefilter").appending(path: "\(useCase).json"), options: options)
    }

    /// Fetches the prefilter, or finds that it is the one the caller has.
    ///
    /// - Parameter existingTag: of the filter in force; nil: there is none.
    /// - Returns: nil when the filter is still the one with `existingTag`.
    /// - Throws: ``PrefilterError``, or `CancellationError`.
    public func fetch(existingTag: String?) async throws -> FetchedPrefilter? {
        let fetch = try PrefilterFetch(self, existingTag: existingTag)
        defer { fetch.close() }
        return try await fetch.run()
    }
}
