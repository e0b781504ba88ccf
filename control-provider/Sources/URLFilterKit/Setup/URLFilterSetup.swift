import Foundation
import NetworkExtension

/// Sets the system's URL filter up and looks after it: what an app has to do beside its extension.
///
/// ```swift
/// let setup = try URLFilterSetup(bundle: .main, authenticationToken: token, controlProvider: "com.example.app.provider")
/// try await setup.enable()
/// for await state in setup.states() { show(state) }
/// ```
///
/// Errors are ``FilterProblem``s, which say what to do. Threads: any.
public struct URLFilterSetup: Sendable {
    /// Address of the PIR server, such as `https://filter.example.com`: no path, no slash at its end.
    public var serverURL: URL
    /// Address of the token issuer; nil: the server's.
    public var issuerURL: URL?
    /// The user token that `blindlist token` made.
    public var authenticationToken: String
    /// Bundle id of the extension.
    public var controlProvider: String
    /// Seconds between two looks for a new prefilter; at least ``leastFetchInterval``.
    public var prefilterFetchInterval: TimeInterval = 86_400
    /// Whether URLs are blocked while the filter cannot answer. A server that is down then means no web at all.
    public var failsClosed = false
    /// The filter's name in Settings; nil: the system's choice.
    public var localizedDescription: String?

    /// The shortest interval that the system takes.
    public static let leastFetchInterval: TimeInterval = 2_700
    /// The dictionary in the app's Info.plist that the system compares from 27.3 on.
    public static let infoKey = "NSPIRConfiguration"

    /// - Parameters:
    ///   - serverURL: see ``serverURL``.
    ///   - issuerURL: see ``issuerURL``.
    ///   - authenticationToken: see ``authenticationToken``.
    ///   - controlProvider: see ``controlProvider``.
    public init(serverURL: URL, issuerURL: URL? = nil, authenticationToken: String, controlProvider: String) {
        self.serverURL = serverURL
        self.issuerURL = issuerURL
        self.authenticationToken = authenticationToken
        self.controlProvider = controlProvider
    }

    /// With the addresses of `NSPIRConfiguration` in Info.plist, so that there is one place for them.
    ///
    /// - Throws: ``FilterProblem`` when it is not there.
    public init(bundle: Bundle, authenticationToken: String, controlProvider: String) throws {
        let info = bundle.object(forInfoDictionaryKey: Self.infoKey) as? [String: Any] ?? [:]
        try self.init(info: info, authenticationToken: authenticationToken, controlProvider: controlProvider)
    }

    /// The same, from the dictionary itself.
    public init(info: [String: Any], authenticationToken: String, controlProvider: String) throws {
        func address(_ key: String) throws -> URL? {
            guard let value = info[key] else { return nil }
            guard let url = (value as? String).flatMap({ URL(string: $0) }) else { throw Self.badAddress("\(Self.infoKey).\(key)") }
            return url
        }
        guard let server = try address("PIRServerURL") else { throw Self.badAddress("\(Self.infoKey).PIRServerURL") }
        self.init(
            serverURL: server, issuerURL: try address("PrivacyPassIssuerURL"), authenticationToken: authenticationToken,
            controlProvider: controlProvider)
    }

    /// Loads, sets, switches on and saves. A configuration that is in force already is a success, too.
    ///
    /// - Throws: ``FilterProblem``.
    public func enable() async throws {
        try check()
        try await change { manager in
            try manager.setConfiguration(
                pirServerURL: serverURL, pirPrivacyPassIssuerURL: issuerURL, pirAuthenticationToken: authenticationToken,
                controlProviderBundleIdentifier: controlProvider)
            manager.prefilterFetchInterval = prefilterFetchInterval
            manager.shouldFailClosed = failsClosed
            if let localizedDescription { manager.localizedDescription = localizedDescription }
            manager.isEnabled = true
        }
    }

    /// Switches the filter off; what was set stays.
    ///
    /// - Throws: ``FilterProblem``.
    public func disable() async throws {
        try await change { $0.isEnabled = false }
    }

    /// Takes the configuration away, with its entry in Settings.
    ///
    /// - Throws: ``FilterProblem``.
    public func remove() async throws {
        try await explained {
            let manager = NEURLFilterManager.shared
            try await manager.loadFromPreferences()
            try await manager.removeFromPreferences()
        }
    }

    /// Has the system ask the control provider now. There is no call for that: the filter is switched off and, after a pause,
    /// on again; meanwhile URLs are not filtered. It is on at the end also when the task is cancelled.
    ///
    /// - Parameter pause: the system overlooks a shorter one than about a second.
    /// - Throws: ``FilterProblem``.
    public func reloadPrefilter(pause: Duration = .seconds(1)) async throws {
        try await change { $0.isEnabled = false }
        try? await Task.sleep(for: pause)
        try await change { $0.isEnabled = true }
    }

    /// Forgets answers and parameters of the dataset before: for an app that is told by push that a list changed.
    ///
    /// - Throws: ``FilterProblem``.
    public func reloadDataset() async throws {
        try await explained {
            try await NEURLFilterManager.shared.resetPIRCache()
            try await NEURLFilterManager.shared.refreshPIRParameters()
        }
    }

    // MARK: how it is

    /// The filter's status, and the error behind it when it stopped.
    public struct State: Equatable, Sendable {
        /// What the system says.
        public let status: NEURLFilterManager.Status
        /// Why it is not running, where the system tells.
        public let problem: FilterProblem?

        /// The status in one word.
        public var word: String {
            switch status {
            case .invalid: "not set up"
            case .stopped: "stopped"
            case .starting: "starting"
            case .running: "running"
            case .stopping: "stopping"
            @unknown default: "unknown"
            }
        }
    }

    /// The state now.
    public func state() async -> State {
        let manager = NEURLFilterManager.shared
        let status = await manager.status
        let error = status == .running ? nil : await manager.lastDisconnectError
        return State(status: status, problem: error.map { FilterProblem($0) })
    }

    /// The state now, then each time that it changes.
    public func states() -> AsyncStream<State> {
        AsyncStream { continuation in
            let watching = Task {
                continuation.yield(await state())
                for await _ in NEURLFilterManager.shared.handleStatusChange() {
                    continuation.yield(await state())
                }
                continuation.finish()
            }
            continuation.onTermination = { _ in watching.cancel() }
        }
    }

    // MARK: how it is done

    private func check() throws {
        for (name, url) in [("the server's address", serverURL), ("the issuer's address", issuerURL)] {
            guard let url else { continue }
            let isPlain = ["https", "http"].contains(url.scheme) && url.host()?.isEmpty == false && url.path().isEmpty
            if !isPlain || url.query() != nil || url.fragment() != nil { throw Self.badAddress(name) }
        }
        if prefilterFetchInterval < Self.leastFetchInterval {
            throw FilterProblem(
                "The interval of \(Int(prefilterFetchInterval)) s is too short.", "The system takes \(Int(Self.leastFetchInterval)) s or more.",
                "Choose a longer one; reloadPrefilter() asks at once.")
        }
    }

    private static func badAddress(_ name: String) -> FilterProblem {
        FilterProblem(
            "\(name) is missing, or not like https://filter.example.com.", "A path, a slash at its end, or another scheme.",
            "Write scheme and host only.")
    }

    private func change(_ what: (NEURLFilterManager) throws -> Void) async throws {
        try await explained {
            let manager = NEURLFilterManager.shared
            try await manager.loadFromPreferences()
            do {
                try what(manager)
                try await manager.saveToPreferences()
            } catch NEURLFilterManager.Error.configurationUnchanged {
                Log.setup.info("the configuration is in force already")
            }
        }
    }

    private func explained(_ what: () async throws -> Void) async throws {
        do {
            try await what()
        } catch {
            let problem = FilterProblem(error)
            Log.setup.error(problem.description)
            throw problem
        }
    }
}
