import Accessibility
import SwiftUI
import URLFilterKit

/// One page: the switch, what is wrong, the prefilter, and a URL to try.
struct FilterView: View {
    @State private var model = FilterModel()
    @State private var url = "https://www.apple.com/url-filter-test"
    @Environment(\.scenePhase) private var scenePhase

    var body: some View {
        Form {
            filter
            if let problem = model.problem { explanation(of: problem) }
            prefilter
            trial
        }
        .formStyle(.grouped)
        #if os(macOS)
        .frame(minWidth: 440, minHeight: 520)
        #endif
        .task { await model.follow() }
        .onChange(of: scenePhase) {
            if scenePhase == .active { model.readRecord() }
        }
        .onChange(of: model.problem) { announce(model.problem?.what) }
        .onChange(of: model.answer) { announce(model.answer) }
    }

    private var filter: some View {
        Section {
            Toggle("Filter URLs", isOn: Binding { model.isOn } set: { isOn in Task { await model.switchFilter(on: isOn) } })
                .disabled(model.isBusy)
            LabeledContent("Status") {
                HStack {
                    if model.isBusy { ProgressView().controlSize(.small).accessibilityHidden(true) }
                    Text(model.status)
                }
            }
        }
    }

    private func explanation(of problem: FilterProblem) -> some View {
        Section {
            Text(problem.what).bold()
            Text(problem.likelyCause)
            Text(problem.nextStep)
        } header: {
            Label("Problem", systemImage: "exclamationmark.triangle")
        }
        .textSelection(.enabled)
    }

    private var prefilter: some View {
        Section("Prefilter") {
            if let record = model.record {
                rows(of: record)
            } else {
                Text("The extension has left no word of a prefilter yet.")
            }
            Button("Fetch it now") { Task { await model.reload() } }
                .disabled(model.isBusy || !model.isOn)
        }
    }

    @ViewBuilder private func rows(of record: PrefilterRecord) -> some View {
        if let date = record.fetchedAt {
            LabeledContent("Age") { age(of: date) }
        }
        if let date = record.checkedAt {
            LabeledContent("Asked for") { age(of: date) }
        }
        if let bytes = record.byteCount {
            LabeledContent("Size") { Text(Int64(bytes), format: .byteCount(style: .file)) }
        }
        if let tag = record.tag {
            LabeledContent("Tag") {
                Text(tag).monospaced().lineLimit(1).truncationMode(.middle).textSelection(.enabled)
            }
        }
        if let problem = record.problem {
            Label(problem, systemImage: "exclamationmark.triangle").textSelection(.enabled)
        }
    }

    private func age(of date: Date) -> some View {
        TimelineView(.everyMinute) { _ in Text(date, format: .relative(presentation: .named)) }
    }

    private var trial: some View {
        Section("Try a URL") {
            TextField("URL", text: $url)
                .autocorrectionDisabled()
                #if os(iOS)
                .keyboardType(.URL)
                .textInputAutocapitalization(.never)
                #endif
                .onSubmit { tryURL() }
            Button("Would it be blocked?", action: tryURL)
                .disabled(model.isBusy || url.isEmpty)
            if let answer = model.answer { Text(answer).textSelection(.enabled) }
        }
    }

    private func tryURL() {
        Task { await model.test(url) }
    }

    /// For those who do not see that something appeared.
    private func announce(_ text: String?) {
        if let text { AccessibilityNotification.Announcement(text).post() }
    }
}
