import SwiftUI
import URLFilterKit

/// One page: the switch, what is wrong, the prefilter, and a URL to try.
struct FilterView: View {
    @State private var model = FilterModel()
    @State private var url = "https://www.apple.com/url-filter-test"

    var body: some View {
        Form {
            Section {
                Toggle("Filter URLs", isOn: Binding(get: { model.isOn }, set: { isOn in Task { await model.switchFilter(on: isOn) } }))
                LabeledContent("Status", value: model.status)
            }
            if let problem = model.problem {
                Section("Problem") {
                    Text(problem.what).bold()
                    Text(problem.likelyCause)
                    Text(problem.nextStep)
                }
            }
            Section("Prefilter") {
                prefilter
                Button("Reload") { Task { await model.reload() } }
            }
            Section("Try a URL") {
                TextField("URL", text: $url)
                    .autocorrectionDisabled()
                Button("Would it be blocked?") { Task { await model.test(url) } }
                if let answer = model.answer { Text(answer) }
            }
        }
        .formStyle(.grouped)
        .disabled(model.isBusy)
        .task { await model.follow() }
    }

    @ViewBuilder private var prefilter: some View {
        if let record = model.record {
            if let date = record.fetchedAt {
                LabeledContent("Age") { Text(date, format: .relative(presentation: .named)) }
            }
            if let bytes = record.byteCount {
                LabeledContent("Size") { Text(Int64(bytes), format: .byteCount(style: .file)) }
            }
            if let tag = record.tag {
                LabeledContent("Tag", value: String(tag.prefix(16)))
            }
            if let problem = record.problem { Text(problem) }
        } else {
            Text("None was fetched yet.")
        }
    }
}
