#if canImport(os)
import os

/// The unified log, subsystem `URLFilterKit`. No URL that somebody visits, and no token, ever gets here.
struct Log: Sendable {
    static let provider = Log(category: "provider")
    static let setup = Log(category: "setup")
    private let logger: Logger

    private init(category: String) {
        logger = Logger(subsystem: "URLFilterKit", category: category)
    }

    func info(_ text: String) { logger.info("\(text, privacy: .public)") }
    func notice(_ text: String) { logger.notice("\(text, privacy: .public)") }
    func error(_ text: String) { logger.error("\(text, privacy: .public)") }
}
#else
/// Elsewhere there is no log: the package runs there in its tests only.
struct Log: Sendable {
    static let provider = Log()
    static let setup = Log()
    func info(_ text: String) {}
    func notice(_ text: String) {}
    func error(_ text: String) {}
}
#endif
