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
    public var localizedDescription: LocalizedStringResource?
    /// Which sub-URLs devices look up, as the list was compiled for. Other than the default it needs iOS or macOS 27.
    public var parsing = URLParsing()
    /// Reports from supervised devices with iOS or macOS 27; nil: none.
    public var reporting: FilterReporting?
    /// Whether the system has what came with 27.0. Tests play an older one.
    var hasParsing = true

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

    /// With the addresses of `NSPIRConfiguration` in Info.plist and ``parsing`` of the bundle's `parsing.json`, so that there is one
    /// place for them.
    ///
    /// - Throws: ``FilterProblem`` when the addresses are not there or the file is wrong.
    public init(bundle: Bundle, authenticationToken: String, controlProvider: String) throws {
        let info = bundle.object(forInfoDictionaryKey: Self.infoKey) as? [String: Any] ?? [:]
        try self.init(info: info, authenticationToken: authenticationToken, controlProvider: controlProvider)
        do {
            parsing = try URLParsing(bundle: bundle)
        } catch {
            throw FilterProblem(error.localizedDescription, "The file is not one that the compiler takes.", "Give it to blindlist suburls.")
        }
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
            try set(manager)
            manager.isEnabled = true
            return true
        }
    }

    /// Sets the same again when the filter is switched on, for an app that starts: so that what came with an update of the app,
    /// or of the system, gets into force.
    ///
    /// - Throws: ``FilterProblem``.
    public func update() async throws {
        try check()
        try await change { manager in
            if manager.isEnabled { try set(manager) }
            return manager.isEnabled
        }
    }

    /// Switches the filter off; what was set stays.
    ///
    /// - Throws: ``FilterProblem``.
    public func disable() async throws {
        try await change { manager in
            manager.isEnabled = false
            return true
        }
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
    /// on again; meanwhile URLs are not filtered. It is on at the end also when the task is cancelled. A filter that somebody
    /// switched off stays off: the system asks when it is switched on.
    ///
    /// - Parameter pause: the system overlooks a shorter one than about a second.
    /// - Throws: ``FilterProblem``.
    public func reloadPrefilter(pause: Duration = .seconds(1)) async throws {
        var wasOn = false
        try await change { manager in
            wasOn = manager.isEnabled
            manager.isEnabled = false
            return wasOn
        }
        if !wasOn { return }
        try? await Task.sleep(for: pause)
        // In a task of its own, which nobody cancels.
        let switchingOn = Task {
            try await change { manager in
                manager.isEnabled = true
                return true
            }
        }
        try await switchingOn.value
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
        /// What the system says. After the configuration was loaded it may be `invalid` for a moment, and `starting` for minutes.
        public let status: NEURLFilterManager.Status
        /// Whether the filter is switched on, in the app or in Settings.
        public let isEnabled: Bool
        /// Why it stopped, where the system tells.
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
        // The system keeps the last error after it was mended: only of a filter that stopped it says something.
        let error = status == .stopped ? await manager.lastDisconnectError : nil
        return State(status: status, isEnabled: manager.isEnabled, problem: error.map { FilterProblem($0) })
    }

    /// The state now, then each time that it, or the configuration, changes.
    public func states() -> AsyncStream<State> {
        AsyncStream { continuation in
            let watching = Task {
                await withTaskGroup(of: Void.self) { watchers in
                    watchers.addTask {
                        let changes = NEURLFilterManager.shared.handleStatusChange()
                        try? await NEURLFilterManager.shared.loadFromPreferences()
                        continuation.yield(await state())
                        for await _ in changes { continuation.yield(await state()) }
                    }
                    watchers.addTask {
                        for await _ in NEURLFilterManager.shared.handleConfigChange() {
                            try? await NEURLFilterManager.shared.loadFromPreferences()
                            continuation.yield(await state())
                        }
                    }
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
        try Self.check(prefilterFetchInterval, least: Self.leastFetchInterval, of: "looks for a prefilter")
        try reporting?.check()
        if authenticationToken.isEmpty || authenticationToken.contains(where: \.isWhitespace) {
            throw FilterProblem(
                "The user token is missing, or has a blank in it.", "The app was built without one, or with \"Bearer\" before it.",
                "Make one with blindlist token, and give it as it is.")
        }
        if controlProvider.isEmpty {
            throw FilterProblem("The extension is not named.", "Its bundle id is empty.", "Give the bundle id of the control provider.")
        }
    }

    static func check(_ interval: TimeInterval, least: TimeInterval, of what: String) throws {
        if interval.isFinite && interval >= least { return }
        throw FilterProblem(
            "\(interval) s between two \(what) are not taken.", "The system takes \(Int(least)) s or more.",
            "Choose a longer interval; reloadPrefilter() asks for a prefilter at once.")
    }

    /// The default configuration is set, too: with one that an app made for 26 saved, 27 is known to look up whole hosts only.
    private func setWhatCameWith27(_ manager: NEURLFilterManager) throws {
        guard hasParsing, #available(iOS 27.0, macOS 27.0, macCatalyst 27.0, *) else {
            if parsing.isDefault { return }
            throw FilterProblem(
                "This release of the system cannot use this list.", "It was compiled for a parsing configuration, which came with 27.0.",
                "Update the device, or compile the list without one for older devices.")
        }
        try manager.setURLParsingRegularExpression(parsing.regularExpression)
        manager.urlParsingConfiguration = parsing.systemConfiguration
        manager.reportEndpoint = reporting?.endpoint
        if let reporting {
            manager.reportFormat = reporting.format == .json ? .json : .protobuf
            manager.reportInterval = reporting.interval
        }
    }

    private static func badAddress(_ name: String) -> FilterProblem {
        FilterProblem(
            "\(name) is missing, or not like https://filter.example.com.", "A path, a slash at its end, or another scheme.",
            "Write scheme and host only.")
    }

    private func set(_ manager: NEURLFilterManager) throws {
        try manager.setConfiguration(
            pirServerURL: serverURL, pirPrivacyPassIssuerURL: issuerURL, pirAuthenticationToken: authenticationToken,
            controlProviderBundleIdentifier: controlProvider)
        manager.prefilterFetchInterval = prefilterFetchInterval
        manager.shouldFailClosed = failsClosed
        if let localizedDescription { manager.localizedDescription = localizedDescription }
        try setWhatCameWith27(manager)
    }

    /// - Parameter what: whether there is something to save.
    private func change(_ what: (NEURLFilterManager) throws -> Bool) async throws {
        try await explained {
            let manager = NEURLFilterManager.shared
            try await manager.loadFromPreferences()
            do {
                if try what(manager) { try await manager.saveToPreferences() }
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

extension URLParsing {
    /// As the system takes it.
    @available(iOS 27.0, macOS 27.0, macCatalyst 27.0, *)
    fileprivate var systemConfiguration: NEURLFilterManager.ParsingConfiguration {
        NEURLFilterManager.ParsingConfiguration(
            excludeScheme: excludeScheme,
            domain: .init(
                excluded: domain.excluded, stripWWW: domain.stripWWW, levels: domain.levels, enumerateHierarchy: domain.enumerateHierarchy),
            path: .init(excluded: path.excluded, segments: path.segments, enumerateHierarchy: path.enumerateHierarchy),
            query: .init(excluded: query.excluded, parameters: query.parameters),
            excludeFragment: excludeFragment, excludeIntermediates: excludeIntermediates, caseSensitive: caseSensitive)
    }
}
