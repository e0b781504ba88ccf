import Foundation
import NetworkExtension
import Observation
import URLFilterKit

/// What the app shows, and what its buttons do. Knows no view.
@MainActor @Observable
final class FilterModel {
    /// The filter's state in a word.
    private(set) var status = "not known yet"
    /// Whether the filter is switched on, here or in Settings; it may yet be starting, or have stopped.
    private(set) var isOn = false
    /// The last error, explained.
    private(set) var problem: FilterProblem?
    /// What the extension did last.
    private(set) var record: PrefilterRecord?
    /// What became of the URL that was tried.
    private(set) var answer: String?
    /// Something is under way.
    private(set) var isBusy = false

    /// The app's own copy of the prefilter, to try URLs with.
    private var prefilter: FetchedPrefilter?

    /// Follows the filter's state for as long as the task lives.
    func follow() async {
        guard let setup = setUp() else { return }
        try? await setup.update()  // what stands in its way is logged, and said when the filter is switched on
        for await state in setup.states() {
            status = state.word
            isOn = state.isEnabled
            switch state.status {
            case .running: problem = nil
            default: problem = state.problem ?? problem
            }
            readRecord()
        }
    }

    /// Switches the filter on or off.
    func switchFilter(on: Bool) async {
        let before = isOn
        isOn = on  // the switch stays where it was put, until the system says otherwise
        let isDone = await run { setup in
            if on { try await setup.enable() } else { try await setup.disable() }
        }
        if !isDone { isOn = before }
    }

    /// Has the system look for a new prefilter, and forget answers about the old dataset.
    func reload() async {
        await run { setup in
            try await setup.reloadPrefilter()
            try await setup.reloadDataset()
        }
        readRecord()
    }

    /// Reads what the extension left: it has no way to tell the app when it was asked.
    func readRecord() {
        record = ProviderConfiguration.folder(ofAppGroup: Deployment.appGroup).flatMap { PrefilterRecord(in: $0) }
    }

    /// Asks a prefilter of the app's own, then the system, about a URL.
    func test(_ text: String) async {
        let address = text.contains("://") ? text : "https://\(text)"
        guard let url = URL(string: address), url.host()?.isEmpty == false, let setup = setUp() else {
            answer = "This is no URL."
            return
        }
        isBusy = true
        defer { isBusy = false }
        answer = nil
        do {
            let system = Self.words(await NEURLFilter.verdict(for: url))
            answer = try await "\(explain(address, setup)) \(system)"
        } catch {
            answer = error.localizedDescription
        }
    }

    /// What the app's own prefilter says.
    private func explain(_ url: String, _ setup: URLFilterSetup) async throws -> String {
        // This app would ask for what devices ask for by default.
        guard setup.parsing.isDefault else { return "The list is for another parsing configuration; only the system can say more." }
        var options = PrefilterSource.Options()
        options.allowsInsecureHTTP = setup.serverURL.scheme == "http"
        let source = PrefilterSource(server: setup.serverURL, useCase: Deployment.useCase, options: options)
        let known = prefilter.flatMap { FileManager.default.fileExists(atPath: $0.file.path()) ? $0 : nil }
        prefilter = try await source.fetch(existingTag: known?.tag) ?? known
        guard let hits = try prefilter?.filter().hits(of: url) else { return "Only http and https URLs are filtered." }
        if hits.isEmpty { return "Not in the prefilter: allowed, and nothing is sent." }
        return "In the prefilter: \(hits.joined(separator: ", ")). The server is asked, without learning which."
    }

    private static func words(_ verdict: NEURLFilter.Verdict) -> String {
        switch verdict {
        case .allow: "The system allows it."
        case .deny: "The system denies it."
        case .unknown: "The system has no verdict: the filter does not run."
        @unknown default: "The system has a verdict that this app does not know."
        }
    }

    /// The set-up of Info.plist, and of the device's management; nil, and an explained problem, when that is incomplete.
    private func setUp() -> URLFilterSetup? {
        do {
            var setup = try URLFilterSetup(
                bundle: .main, authenticationToken: Deployment.authenticationToken, controlProvider: Deployment.controlProvider)
            setup.reporting = try FilterReporting(
                managed: UserDefaults.standard.dictionary(forKey: FilterReporting.managedKey) ?? [:])
            return setup
        } catch {
            problem = FilterProblem(error)
            return nil
        }
    }

    /// Whether it was done.
    @discardableResult
    private func run(_ what: (URLFilterSetup) async throws -> Void) async -> Bool {
        guard let setup = setUp() else { return false }
        isBusy = true
        defer { isBusy = false }
        do {
            try await what(setup)
            problem = nil
            return true
        } catch {
            problem = FilterProblem(error)
            return false
        }
    }
}
