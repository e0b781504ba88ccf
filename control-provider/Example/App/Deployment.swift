import Foundation

/// What this app is called and where its server is. Info.plist of the app and of the extension say the same.
enum Deployment {
    static let controlProvider = "com.example.blindlist.ControlProvider"
    static let appGroup = "group.com.example.blindlist"
    static let useCase = "com.example.blindlist.url.filtering"
    /// From `blindlist token`. An app for many people asks its own backend for one for each of them.
    static let authenticationToken = "REPLACE-WITH-A-USER-TOKEN"
}
