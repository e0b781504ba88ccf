import Foundation
import NetworkExtension
import Testing

@testable import URLFilterKit

/// The set-up, against the stand-in of the manager. One after the other: there is one manager.
@Suite(.serialized)
struct SetupTests {
    private let manager = NEURLFilterManager.shared

    init() {
        manager.memory.withLock { $0 = NEURLFilterManager.Memory() }
    }

    private func setup(_ server: String = "https://filter.example.com") throws -> URLFilterSetup {
        URLFilterSetup(
            serverURL: try #require(URL(string: server)), authenticationToken: "token", controlProvider: "com.example.app.provider")
    }

    private var calls: [String] { manager.memory.withLock { $0.calls } }

    @Test func enabling() async throws {
        try await setup().enable()
        #expect(calls == ["load", "set", "save on"])
        let memory = manager.memory.withLock { $0 }
        #expect(memory.pirServerURL?.absoluteString == "https://filter.example.com")
        #expect(memory.pirAuthenticationToken == "token")
        #expect(memory.controlProviderBundleIdentifier == "com.example.app.provider")
        #expect(!memory.shouldFailClosed)
        #expect(memory.prefilterFetchInterval == 86_400)
        // Set also by default: what a release without them saved is not the default.
        #expect(memory.urlParsingConfiguration?.domain.enumerateHierarchy == true)
        #expect(memory.reportEndpoint == nil && memory.urlParsingRegularExpression == nil)
    }

    @Test func everythingElse() async throws {
        var setup = try setup()
        setup.failsClosed = true
        setup.localizedDescription = "A filter"
        setup.prefilterFetchInterval = 2_700
        setup.parsing.path.segments = 2
        setup.parsing.query.parameters = ["v"]
        setup.parsing.caseSensitive = true
        setup.reporting = FilterReporting()
        setup.reporting?.format = .protobuf
        setup.reporting?.interval = 3_600
        try await setup.enable()
        let memory = manager.memory.withLock { $0 }
        #expect(memory.shouldFailClosed && memory.localizedDescription == "A filter" && memory.prefilterFetchInterval == 2_700)
        #expect(memory.reportEndpoint == "report" && memory.reportFormat == .protobuf && memory.reportInterval == 3_600)
        let parsing = try #require(memory.urlParsingConfiguration)
        #expect(parsing.path.segments == 2 && parsing.query.parameters == ["v"] && parsing.caseSensitive && parsing.excludeScheme)

        setup.reporting = nil
        setup.parsing = URLParsing()
        setup.parsing.regularExpression = "(?<a>.)"
        try await setup.enable()
        #expect(manager.memory.withLock { $0.urlParsingRegularExpression } == "(?<a>.)")
        #expect(manager.memory.withLock { $0.reportEndpoint } == nil)
    }

    @Test func olderSystem() async throws {
        var setup = try setup()
        setup.hasParsing = false
        setup.reporting = FilterReporting()
        try await setup.enable()
        #expect(manager.memory.withLock { $0.urlParsingConfiguration == nil && $0.reportEndpoint == nil })
        setup.parsing.caseSensitive = true
        let problem = await #expect(throws: FilterProblem.self) { try await setup.enable() }
        #expect(problem?.likelyCause.contains("27.0") == true)
    }

    @Test func updating() async throws {
        try await setup().update()
        #expect(calls == ["load"], "nothing of a filter that is off")
        manager.memory.withLock { $0.isEnabled = true }
        try await setup().update()
        #expect(calls == ["load", "load", "set", "save on"])
        #expect(manager.memory.withLock { $0.urlParsingConfiguration } != nil)
    }

    @Test func unchangedIsSuccess() async throws {
        manager.memory.withLock { $0.saveError = .configurationUnchanged }
        try await setup().enable()
    }

    @Test func failuresAreExplained() async throws {
        for error in NEURLFilterManager.Error.allCases where error != .configurationUnchanged {
            manager.memory.withLock { $0.saveError = error }
            await #expect(throws: FilterProblem(error)) { try await setup().enable() }
            let problem = FilterProblem(error)
            #expect(!problem.likelyCause.isEmpty && !problem.nextStep.isEmpty)
        }
        #expect(FilterProblem(NEURLFilterManager.Error.serverSetupIncomplete).likelyCause.contains(".url.filtering"))
    }

    @Test(arguments: [
        "https://filter.example.com/", "https://filter.example.com/pir", "ftp://filter.example.com", "filter.example.com",
        "https://filter.example.com?x",
    ]) func badAddresses(_ address: String) async throws {
        await #expect(throws: FilterProblem.self) { try await setup(address).enable() }
        #expect(calls.isEmpty)
    }

    @Test(arguments: [2_699, 0, -1, .infinity, .nan] as [TimeInterval]) func badIntervals(_ interval: TimeInterval) async throws {
        var short = try setup()
        short.prefilterFetchInterval = interval
        var problem = await #expect(throws: FilterProblem.self) { try await short.enable() }
        #expect(problem?.likelyCause.contains("2700") == true)
        short = try setup()
        short.reporting = FilterReporting()
        short.reporting?.interval = min(interval, 3_599)
        problem = await #expect(throws: FilterProblem.self) { try await short.enable() }
        #expect(problem?.likelyCause.contains("3600") == true)
        #expect(calls.isEmpty)
    }

    @Test(arguments: ["", "/report", "https://filter.example.com/report", "a b", "report?x"])
    func badEndpoints(_ endpoint: String) async throws {
        var setup = try setup()
        setup.reporting = FilterReporting()
        setup.reporting?.endpoint = endpoint
        await #expect(throws: FilterProblem.self) { try await setup.enable() }
    }

    @Test func managedReporting() throws {
        #expect(try FilterReporting(managed: ["other": 1]) == nil)
        let all = try FilterReporting(managed: ["reportEndpoint": "r", "reportFormat": "protobuf", "reportInterval": 7_200])
        #expect(all?.endpoint == "r" && all?.format == .protobuf && all?.interval == 7_200)
        let faults: [[String: Any]] = [
            ["reportEndpoint": 1], ["reportEndpoint": "r", "reportFormat": "xml"], ["reportEndpoint": "r", "reportInterval": "1"],
        ]
        for wrong in faults {
            #expect(throws: FilterProblem.self) { try FilterReporting(managed: wrong) }
        }
    }

    @Test(arguments: ["", "Bearer x", "x\n"]) func badTokens(_ token: String) async throws {
        var setup = try setup()
        setup.authenticationToken = token
        let problem = await #expect(throws: FilterProblem.self) { try await setup.enable() }
        #expect(problem?.what.contains("token") == true)
    }

    @Test func infoDictionary() throws {
        let good = try URLFilterSetup(
            info: ["PIRServerURL": "https://a.example", "PrivacyPassIssuerURL": "https://b.example"], authenticationToken: "t",
            controlProvider: "c")
        #expect(good.serverURL.host() == "a.example" && good.issuerURL?.host() == "b.example")
        for info in [[:], ["PIRServerURL": 1], ["PIRServerURL": "https://a.example", "PrivacyPassIssuerURL": 1]] as [[String: Any]] {
            #expect(throws: FilterProblem.self) { try URLFilterSetup(info: info, authenticationToken: "t", controlProvider: "c") }
        }
    }

    @Test func reloads() async throws {
        try await setup().reloadPrefilter(pause: .milliseconds(1))
        #expect(calls == ["load"], "what was off stays off")
        manager.memory.withLock {
            $0.isEnabled = true
            $0.calls = []
        }
        try await setup().reloadPrefilter(pause: .milliseconds(1))
        #expect(calls == ["load", "save off", "load", "save on"])
        let reloading = Task { [setup = try setup()] in try await setup.reloadPrefilter(pause: .seconds(3_600)) }
        while manager.isEnabled { await Task.yield() }
        reloading.cancel()
        try await reloading.value
        #expect(manager.isEnabled, "on again, though cancelled")
        manager.memory.withLock { $0.calls = [] }
        try await setup().reloadDataset()
        #expect(calls == ["resetPIRCache", "refreshPIRParameters"])
        manager.memory.withLock { $0.calls = [] }
        try await setup().remove()
        #expect(calls == ["load", "remove"])
        try await setup().disable()
        #expect(!manager.isEnabled)
    }

    @Test func states() async throws {
        manager.memory.withLock { $0.lastDisconnectError = .unknown }
        var states = try setup().states().makeAsyncIterator()
        let first = await states.next()
        #expect(first?.word == "not set up" && first?.isEnabled == false)
        while !manager.isObserved { await Task.yield() }
        manager.becomes(.running)
        #expect(await states.next() == URLFilterSetup.State(status: .running, isEnabled: false, problem: nil))
        manager.isSwitched(on: true)
        #expect(await states.next()?.isEnabled == true)
        manager.becomes(.stopped, error: .extensionNotFound)
        #expect(await states.next()?.problem == FilterProblem(NEURLFilterManager.Error.extensionNotFound))
        manager.becomes(.starting, error: .extensionNotFound)
        #expect(await states.next()?.problem == nil, "what was wrong before it started is over")
    }
}
