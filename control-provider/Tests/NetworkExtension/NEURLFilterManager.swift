import Foundation
import Synchronization

/// The manager: it remembers what it was told, and fails as a test says.
public final class NEURLFilterManager: Sendable {
    public enum Status: Int, Sendable {
        case invalid = 0
        case stopped, starting, running, stopping
    }

    public enum Error: Int, Swift.Error, CaseIterable {
        case configurationUnchanged = 1
        case configurationInvalid, configurationDisabled, configurationStale, configurationCannotBeRemoved
        case configurationPermissionDenied, configurationInternalError, configurationNotLoaded, serverSetupIncomplete
        case internalError, extensionCancelled, extensionNotFound, extensionFailedToLoad, unknown
    }

    public enum ReportFormat: Sendable {
        case json, protobuf
    }

    @available(iOS 27.0, macOS 27.0, macCatalyst 27.0, *)
    public struct ParsingConfiguration: Sendable {
        public struct DomainOptions: Sendable {
            public var excluded, stripWWW, enumerateHierarchy: Bool
            public var levels: UInt

            public init(excluded: Bool = false, stripWWW: Bool = true, levels: UInt = 0, enumerateHierarchy: Bool = true) {
                self.excluded = excluded
                self.stripWWW = stripWWW
                self.levels = levels
                self.enumerateHierarchy = enumerateHierarchy
            }
        }

        public struct PathOptions: Sendable {
            public var excluded, enumerateHierarchy: Bool
            public var segments: UInt

            public init(excluded: Bool = false, segments: UInt = 0, enumerateHierarchy: Bool = true) {
                self.excluded = excluded
                self.segments = segments
                self.enumerateHierarchy = enumerateHierarchy
            }
        }

        public struct QueryOptions: Sendable {
            public var excluded: Bool
            public var parameters: [String]?

            public init(excluded: Bool = false, parameters: [String]? = nil) {
                self.excluded = excluded
                self.parameters = parameters
            }
        }

        public var excludeScheme, excludeFragment, excludeIntermediates, caseSensitive: Bool
        public var domain: DomainOptions
        public var path: PathOptions
        public var query: QueryOptions

        public init(
            excludeScheme: Bool = true, domain: DomainOptions = DomainOptions(), path: PathOptions = PathOptions(),
            query: QueryOptions = QueryOptions(), excludeFragment: Bool = false, excludeIntermediates: Bool = false,
            caseSensitive: Bool = false
        ) {
            self.excludeScheme = excludeScheme
            self.domain = domain
            self.path = path
            self.query = query
            self.excludeFragment = excludeFragment
            self.excludeIntermediates = excludeIntermediates
            self.caseSensitive = caseSensitive
        }
    }

    /// What a test sets and looks at.
    public struct Memory: Sendable {
        public var calls: [String] = []
        public var saveError: Error?
        public var status = Status.invalid
        public var lastDisconnectError: Error?
        public var isEnabled = false
        public var shouldFailClosed = true
        public var prefilterFetchInterval: TimeInterval = 0
        public var localizedDescription: LocalizedStringResource?
        public var pirServerURL: URL?
        public var pirPrivacyPassIssuerURL: URL?
        public var pirAuthenticationToken: String?
        public var controlProviderBundleIdentifier: String?
        public var urlParsingConfiguration: ParsingConfiguration?
        public var urlParsingRegularExpression: String?
        public var reportEndpoint: String?
        public var reportFormat = ReportFormat.json
        public var reportInterval: TimeInterval = 86_400
        public init() {}
    }

    public static let shared = NEURLFilterManager()
    public let memory = Mutex(Memory())
    private let listener = Mutex<AsyncStream<Status>.Continuation?>(nil)
    private let configurationListener = Mutex<AsyncStream<Bool>.Continuation?>(nil)

    /// What a system does on its own.
    public func becomes(_ status: Status, error: Error? = nil) {
        memory.withLock {
            $0.status = status
            $0.lastDisconnectError = error
        }
        _ = listener.withLock { $0?.yield(status) }
    }

    /// What somebody does in Settings.
    public func isSwitched(on: Bool) {
        memory.withLock { $0.isEnabled = on }
        _ = configurationListener.withLock { $0?.yield(true) }
    }

    /// Whether somebody listens to changes.
    public var isObserved: Bool { listener.withLock { $0 != nil } && configurationListener.withLock { $0 != nil } }

    private func note(_ call: String) { memory.withLock { $0.calls.append(call) } }

    // MARK: declarations of the SDK

    public func setConfiguration(
        pirServerURL: URL, pirPrivacyPassIssuerURL: URL?, pirAuthenticationToken: String, controlProviderBundleIdentifier: String
    ) throws {
        memory.withLock {
            $0.pirServerURL = pirServerURL
            $0.pirPrivacyPassIssuerURL = pirPrivacyPassIssuerURL
            $0.pirAuthenticationToken = pirAuthenticationToken
            $0.controlProviderBundleIdentifier = controlProviderBundleIdentifier
        }
        note("set")
    }

    public func loadFromPreferences() async throws { note("load") }

    public func saveToPreferences() async throws {
        note(isEnabled ? "save on" : "save off")
        if let error = memory.withLock({ $0.saveError }) { throw error }
    }

    public func removeFromPreferences() async throws { note("remove") }
    public func resetPIRCache() async throws { note("resetPIRCache") }
    public func refreshPIRParameters() async throws { note("refreshPIRParameters") }

    public var isEnabled: Bool {
        get { memory.withLock { $0.isEnabled } }
        set { memory.withLock { $0.isEnabled = newValue } }
    }
    public var shouldFailClosed: Bool {
        get { memory.withLock { $0.shouldFailClosed } }
        set { memory.withLock { $0.shouldFailClosed = newValue } }
    }
    public var prefilterFetchInterval: TimeInterval {
        get { memory.withLock { $0.prefilterFetchInterval } }
        set { memory.withLock { $0.prefilterFetchInterval = newValue } }
    }
    public var localizedDescription: LocalizedStringResource? {
        get { memory.withLock { $0.localizedDescription } }
        set { memory.withLock { $0.localizedDescription = newValue } }
    }
    public var status: Status {
        get async { memory.withLock { $0.status } }
    }
    public var lastDisconnectError: Error? {
        get async { memory.withLock { $0.lastDisconnectError } }
    }

    public func handleStatusChange() -> any AsyncSequence<Status, Never> {
        AsyncStream { continuation in listener.withLock { $0 = continuation } }
    }

    public func handleConfigChange() -> any AsyncSequence<Bool, Never> {
        AsyncStream { continuation in configurationListener.withLock { $0 = continuation } }
    }

    // MARK: since 27.0

    @available(iOS 27.0, macOS 27.0, macCatalyst 27.0, *)
    public var urlParsingConfiguration: ParsingConfiguration {
        get { memory.withLock { $0.urlParsingConfiguration ?? ParsingConfiguration() } }
        set { memory.withLock { $0.urlParsingConfiguration = newValue } }
    }
    @available(iOS 27.0, macOS 27.0, macCatalyst 27.0, *)
    public func setURLParsingRegularExpression(_ pattern: String?) throws {
        memory.withLock { $0.urlParsingRegularExpression = pattern }
    }
    @available(iOS 27.0, macOS 27.0, macCatalyst 27.0, *)
    public var reportEndpoint: String? {
        get { memory.withLock { $0.reportEndpoint } }
        set { memory.withLock { $0.reportEndpoint = newValue } }
    }
    @available(iOS 27.0, macOS 27.0, macCatalyst 27.0, *)
    public var reportFormat: ReportFormat {
        get { memory.withLock { $0.reportFormat } }
        set { memory.withLock { $0.reportFormat = newValue } }
    }
    @available(iOS 27.0, macOS 27.0, macCatalyst 27.0, *)
    public var reportInterval: TimeInterval {
        get { memory.withLock { $0.reportInterval } }
        set { memory.withLock { $0.reportInterval = newValue } }
    }
}

/// For apps that load URLs by other means than WebKit and URLSession.
public final class NEURLFilter: Sendable {
    public enum Verdict: Int, Sendable {
        case unknown = 1
        case allow, deny
    }

    public static func verdict(for url: URL) async -> Verdict { .unknown }
}
