import Foundation
import Synchronization

/// The manager: it remembers what it was told, and fails as a test says.
public final class NEURLFilterManager: Sendable {
    public enum Status: Int, Sendable {
        case invalid = 0
        case stopped, starting, running, stopping
    }

    public enum Error: Swift.Error, CaseIterable {
        case configurationInvalid, configurationDisabled, configurationStale, configurationCannotBeRemoved
        case configurationPermissionDenied, configurationInternalError, configurationNotLoaded, configurationUnchanged
        case internalError, extensionNotFound, extensionCancelled, extensionFailedToLoad, serverSetupIncomplete, unknown
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
        public var localizedDescription: String?
        public var pirServerURL: URL?
        public var pirPrivacyPassIssuerURL: URL?
        public var pirAuthenticationToken: String?
        public var controlProviderBundleIdentifier: String?
        public init() {}
    }

    public static let shared = NEURLFilterManager()
    public let memory = Mutex(Memory())
    private let listener = Mutex<AsyncStream<Status>.Continuation?>(nil)

    /// What a system does on its own.
    public func becomes(_ status: Status, error: Error? = nil) {
        memory.withLock {
            $0.status = status
            $0.lastDisconnectError = error
        }
        _ = listener.withLock { $0?.yield(status) }
    }

    /// Whether somebody listens to changes.
    public var isObserved: Bool { listener.withLock { $0 != nil } }

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
    public var localizedDescription: String? {
        get { memory.withLock { $0.localizedDescription } }
        set { memory.withLock { $0.localizedDescription = newValue } }
    }
    public var status: Status {
        get async { memory.withLock { $0.status } }
    }
    public var lastDisconnectError: Error? {
        get async { memory.withLock { $0.lastDisconnectError } }
    }

    public func handleStatusChange() -> AsyncStream<Status> {
        AsyncStream { continuation in listener.withLock { $0 = continuation } }
    }
}

/// For apps that load URLs by other means than WebKit and URLSession.
public final class NEURLFilter: Sendable {
    public enum Verdict: Int, Sendable {
        case unknown = 0
        case allow, deny
    }

    public static func verdict(for url: URL) async -> Verdict { .unknown }
}
