import SwiftUI

@main
struct BlindlistExampleApp: App {
    var body: some Scene {
        WindowGroup {
            FilterView()
        }
    }
}
