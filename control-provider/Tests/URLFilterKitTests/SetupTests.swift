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

    @Test func shortInterval() async throws {
        var short = try setup()
        short.prefilterFetchInterval = 2_699
        await #expect(throws: FilterProblem.self) { try await short.enable() }
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
        #expect(calls == ["load", "save off", "load", "save on"])
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
        var states = try setup().states().makeAsyncIterator()
        #expect(await states.next()?.word == "not set up")
        while !manager.isObserved { await Task.yield() }
        manager.becomes(.running)
        #expect(await states.next() == URLFilterSetup.State(status: .running, problem: nil))
        manager.becomes(.stopped, error: .extensionNotFound)
        #expect(await states.next()?.problem == FilterProblem(NEURLFilterManager.Error.extensionNotFound))
    }
}
