import Foundation

/// What this app is called. Info.plist of the app and of the extension say the same, and where the server is.
enum Deployment {
    static let controlProvider = "com.example.blindlist.URLFilter"
    static let appGroup = "group.com.example.blindlist"
    static let useCase = "com.example.blindlist.url.filtering"
    /// From `blindlist token create`. An app for many people asks its own backend for one for each of them.
    static let authenticationToken = ""
}
