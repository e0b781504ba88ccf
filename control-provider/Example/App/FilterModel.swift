import Foundation
import NetworkExtension
import Observation
import URLFilterKit

/// What the app shows, and what its buttons do. Knows no view.
@MainActor @Observable
final class FilterModel {
    /// The filter's state in a word, and whether it runs or is about to.
    private(set) var status = "not known yet"
    private(set) var isOn = false
    /// The last error, explained.
    private(set) var problem: FilterProblem?
    /// What the extension did last.
    private(set) var record: PrefilterRecord?
    /// What became of the URL that was tried.
    private(set) var answer: String?
    /// Something is under way.
    private(set) var isBusy = false

    /// Follows the filter's state for as long as the task lives.
    func follow() async {
        guard let setup = setUp() else { return }
        for await state in setup.states() {
            status = state.word
            isOn = state.status == .running || state.status == .starting
            if let cause = state.problem { problem = cause }
            readRecord()
        }
    }

    /// Switches the filter on or off.
    func switchFilter(on: Bool) async {
        await run { setup in
            if on { try await setup.enable() } else { try await setup.disable() }
        }
    }

    /// Has the system look for a new prefilter, and forget answers about the old dataset.
    func reload() async {
        await run { setup in
            try await setup.reloadPrefilter()
            try await setup.reloadDataset()
        }
        readRecord()
    }

    /// Asks a prefilter of the app's own, then the system, about a URL.
    func test(_ text: String) async {
        answer = nil
        guard let url = URL(string: text), let server = setUp()?.serverURL else {
            answer = "This is no URL."
            return
        }
        isBusy = true
        defer { isBusy = false }
        do {
            let source = PrefilterSource(server: server, useCase: Deployment.useCase)
            guard let fetched = try await source.fetch(existingTag: nil), let hits = try fetched.filter().hits(of: text) else {
                answer = "Only http and https URLs are filtered."
                return
            }
            answer = try await Self.explain(hits, NEURLFilter.verdict(for: url))
        } catch {
            answer = error.localizedDescription
        }
    }

    private static func explain(_ hits: [String], _ verdict: NEURLFilter.Verdict) throws -> String {
        let system =
            switch verdict {
            case .allow: "The system allows it."
            case .deny: "The system denies it."
            case .unknown: "The system has no verdict: the filter does not run."
            @unknown default: "The system has a verdict that this app does not know."
            }
        if hits.isEmpty { return "Not in the prefilter: allowed, and nothing is sent. \(system)" }
        return "In the prefilter: \(hits.joined(separator: ", ")). The server is asked, without learning which. \(system)"
    }

    private func readRecord() {
        record = ProviderConfiguration.folder(ofAppGroup: Deployment.appGroup).flatMap { PrefilterRecord(in: $0) }
    }

    /// The set-up of Info.plist; nil, and an explained problem, when that is incomplete.
    private func setUp() -> URLFilterSetup? {
        do {
            return try URLFilterSetup(
                bundle: .main, authenticationToken: Deployment.authenticationToken, controlProvider: Deployment.controlProvider)
        } catch {
            problem = FilterProblem(error)
            return nil
        }
    }

    private func run(_ what: (URLFilterSetup) async throws -> Void) async {
        guard let setup = setUp() else { return }
        isBusy = true
        defer { isBusy = false }
        do {
            try await what(setup)
            problem = nil
        } catch {
            problem = FilterProblem(error)
        }
    }
}
