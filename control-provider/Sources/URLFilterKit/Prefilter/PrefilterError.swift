import Foundation

/// Why there is no new prefilter. The one before stays in force.
///
/// `description` says what happened and what to check, without anything secret: it may be shown and logged.
public enum PrefilterError: Error, Equatable, Sendable, LocalizedError, CustomStringConvertible {
    /// The address is no https URL, or the manifest names one that is none.
    case badURL(String)
    /// Nobody answers: no network, no such host, nothing listens there.
    case unreachable(host: String, reason: String)
    /// The connection could not be made safe: certificate, TLS version, App Transport Security.
    case insecure(host: String, reason: String)
    /// A redirection led away from https.
    case insecureRedirect(to: String)
    /// Nothing came for a while, or all together took too long.
    case timedOut(seconds: Double)
    /// 404: no such use case, or no dataset is published for it.
    case notFound(path: String)
    /// Another answer that is no prefilter and will not become one by asking again.
    case refused(status: Int)
    /// 408, 429 and 5xx: the server cannot answer just now.
    case serverFailed(status: Int)
    /// The connection broke, time after time.
    case brokenOff(received: Int, expected: Int)
    /// Neither manifest nor property list, or a member of it is missing or out of range.
    case malformed(String)
    /// The manifest has no signature, and the app wants one.
    case signatureMissing
    /// The manifest's signature is not of the pinned key.
    case signatureWrong
    /// The filter is for devices with another parsing configuration.
    case wrongParsing(found: String?, expected: String?)
    /// The bits are not as many as the manifest says.
    case wrongSize(received: Int, expected: Int)
    /// The bits are not those of the manifest.
    case wrongDigest(found: String, expected: String)
    /// The filter is larger than the app takes.
    case tooLarge(bytes: Int, limit: Int)
    /// Another fetch with the same work folder is under way.
    case busy
    /// The file could not be written.
    case storage(String)

    /// Whether the same question may have an answer a moment later.
    public var isTransient: Bool {
        switch self {
        case .unreachable, .timedOut, .serverFailed, .brokenOff: true
        case .badURL, .insecure, .insecureRedirect, .notFound, .refused, .malformed, .signatureMissing, .signatureWrong,
            .wrongParsing, .wrongSize, .wrongDigest, .tooLarge, .busy, .storage: false
        }
    }

    /// Whether these may be the bits of a prefilter that has followed the one that was described.
    var mayMeanReplaced: Bool {
        switch self {
        case .notFound, .wrongSize, .wrongDigest: true
        default: false
        }
    }

    public var errorDescription: String? { description }

    public var description: String {
        switch self {
        case .badURL(let url):
            "\(url) is no https URL. Check the prefilter's address in the extension's Info.plist."
        case .unreachable(let host, let reason):
            "\(host) does not answer (\(reason)). Check the network, then the server's name and that it runs."
        case .insecure(let host, let reason):
            "No safe connection to \(host) (\(reason)). Check the server's certificate and the device's clock."
        case .insecureRedirect(let to):
            "The server sends to \(to), which is not https. Check its redirections."
        case .timedOut(let seconds):
            "The answer took longer than \(Int(seconds.rounded(.up))) s. Check the network and the server's load."
        case .notFound(let path):
            "The server has no \(path). Check the use case, <app bundle id>.url.filtering, and that a dataset is published."
        case .refused(let status):
            "The server answers \(status). Check that the address is that of a prefilter and needs no sign-in."
        case .serverFailed(let status):
            "The server answers \(status), time after time. Look into its log."
        case .brokenOff(let received, let expected):
            "The connection broke after \(received) of \(expected) bytes. What came is kept for the next time."
        case .malformed(let what):
            "This is no prefilter: \(what). Check the address, and what a proxy in between answers."
        case .signatureMissing:
            "The manifest is not signed. Sign it (blindlist compile or update with --sign-key), or do not pin a key in the app."
        case .signatureWrong:
            "The manifest is signed by another key than the app pins, or was changed. Check which key signs; do not use this prefilter."
        case .wrongParsing(let found, let expected):
            """
            The prefilter is for parsing configuration \(found ?? "default"), the app has \(expected ?? "default"). \
            Compile with the app's file.
            """
        case .wrongSize(let received, let expected):
            "The bits have \(received) bytes, the manifest says \(expected). Publish both together."
        case .wrongDigest(let found, let expected):
            "The bits have the digest \(found), the manifest says \(expected). Publish both together."
        case .tooLarge(let bytes, let limit):
            "The prefilter has \(bytes) bytes, the app takes \(limit). Compile with --prefilter-size, or raise the limit."
        case .busy:
            "Another fetch is under way. Wait for it."
        case .storage(let reason):
            "The prefilter cannot be written: \(reason). Check free space and the app group."
        }
    }
}
