import Foundation
import Synchronization

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// Takes the body of an answer as it arrives. Called on one thread at a time, until the transfer is over.
protocol BodySink: AnyObject {
    /// How long the last answer asked to wait; nil: it said nothing.
    var retryAfter: Duration? { get }
    /// The status line and headers came.
    func begin(_ head: HTTPURLResponse) throws(PrefilterError)
    /// Some of the body came.
    func take(_ piece: UnsafeRawBufferPointer) throws(PrefilterError)
}

/// Bounds of a fetch.
struct TransferLimits: Sendable {
    /// Without a byte for so long, a transfer is given up.
    var idle: Duration
    /// All transfers together.
    var total: Duration
    /// When that is over.
    var deadline: ContinuousClock.Instant

    /// From now on.
    init(idle: Duration, total: Duration) {
        self.idle = idle
        self.total = total
        deadline = .now + total
    }

    /// Why a transfer is given up whose last byte came then; nil: it is not late.
    func fault(lastByte: ContinuousClock.Instant) -> PrefilterError? {
        if ContinuousClock.now >= deadline { return .timedOut(seconds: total / .seconds(1)) }
        return ContinuousClock.now >= lastByte + idle ? .timedOut(seconds: idle / .seconds(1)) : nil
    }
}

/// One URLSession, and its transfers one after the other. Each piece is given to its sink before the next is taken, so
/// that no more than a few pieces are in memory, however large the body and however slow the disk.
final class HTTPTransfer: NSObject, URLSessionDataDelegate, Sendable {
    private struct Running {
        /// Only the session's queue, which is serial, calls the sink.
        nonisolated(unsafe) let sink: any BodySink
        var continuation: CheckedContinuation<Void, any Error>?
        var lastByte = ContinuousClock.now
        var fault: PrefilterError?
    }

    private let running = Mutex<Running?>(nil)
    private let session = Mutex<URLSession?>(nil)
    private let limits: TransferLimits
    private static let margin = Duration.seconds(60)

    init(limits: TransferLimits) {
        self.limits = limits
        super.init()
        let settings = URLSessionConfiguration.ephemeral
        settings.urlCache = nil
        settings.httpShouldSetCookies = false
        settings.requestCachePolicy = .reloadIgnoringLocalCacheData
        settings.timeoutIntervalForRequest = (limits.total + Self.margin) / .seconds(1)  // `giveUpWhenLate` comes first
        settings.httpAdditionalHeaders = ["User-Agent": "URLFilterKit", "Accept-Encoding": "identity"]
        let queue = OperationQueue()
        queue.maxConcurrentOperationCount = 1
        session.withLock { $0 = URLSession(configuration: settings, delegate: self, delegateQueue: queue) }
    }

    /// Ends the session. No transfer is running, none follows.
    func close() {
        session.withLock {
            $0?.invalidateAndCancel()
            $0 = nil
        }
    }

    /// Asks, and gives the answer to the sink.
    ///
    /// - Throws: ``PrefilterError``; `CancellationError` when the task was cancelled.
    func run(_ request: URLRequest, into sink: some BodySink) async throws {
        try Task.checkCancellation()
        if let fault = limits.fault(lastByte: .now) { throw fault }
        guard let task = session.withLock({ $0?.dataTask(with: request) }) else { throw CancellationError() }
        nonisolated(unsafe) let sink: any BodySink = sink
        running.withLock { $0 = Running(sink: sink) }
        let watch = Task { await giveUpWhenLate(task) }
        defer { watch.cancel() }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isOver = running.withLock { running in
                    running?.continuation = continuation
                    return running == nil
                }
                if isOver {  // cancelled meanwhile
                    continuation.resume(throwing: CancellationError())
                } else {
                    task.resume()
                }
            }
        } onCancel: {
            task.cancel()
        }
    }

    /// Cancels the task when nothing comes any more, or time is up.
    private func giveUpWhenLate(_ task: URLSessionTask) async {
        while true {
            let limit = running.withLock { $0.map { min($0.lastByte + limits.idle, limits.deadline) } }
            guard let limit else { return }
            do {
                try await Task.sleep(until: limit, clock: .continuous)
            } catch {
                return
            }
            let isLate = running.withLock { running -> Bool in
                guard let lastByte = running?.lastByte, let fault = limits.fault(lastByte: lastByte) else { return false }
                running?.fault = fault
                return true
            }
            if isLate { return task.cancel() }
        }
    }

    /// Hands something to the sink; when it refuses, the transfer ends with its reason.
    private func give(_ task: URLSessionTask, _ what: (any BodySink) throws(PrefilterError) -> Void) -> Bool {
        let now = running.withLock { running in
            running?.lastByte = .now
            return running
        }
        guard let now, now.fault == nil else { return false }
        do {
            try what(now.sink)
            return true
        } catch {
            running.withLock { $0?.fault = error }
            task.cancel()
            return false
        }
    }

    // MARK: what the session says

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping @Sendable (URLSession.ResponseDisposition) -> Void
    ) {
        let isWanted = give(dataTask) { (sink) throws(PrefilterError) in
            guard let head = response as? HTTPURLResponse else { throw .malformed("the answer is not HTTP") }
            try sink.begin(head)
        }
        completionHandler(isWanted ? .allow : .cancel)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        for region in data.regions {
            let isWanted = region.withUnsafeBytes { bytes in
                give(dataTask) { (sink) throws(PrefilterError) in try sink.take(bytes) }
            }
            if !isWanted { return }
        }
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest, completionHandler: @escaping @Sendable (URLRequest?) -> Void
    ) {
        let leavesSafety = task.originalRequest?.url?.scheme == "https" && request.url?.scheme != "https"
        if leavesSafety {
            running.withLock { $0?.fault = .insecureRedirect(to: request.url?.absoluteString ?? "nowhere") }
            task.cancel()
        }
        completionHandler(leavesSafety ? nil : request)
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        guard let over = running.withLock({ running in running.take() }) else { return }
        let host = task.originalRequest?.url?.host() ?? ""
        if let fault = over.fault {
            over.continuation?.resume(throwing: fault)
        } else if let error {
            over.continuation?.resume(throwing: Self.reason(error, host: host))
        } else {
            over.continuation?.resume()
        }
    }

    /// What a failure of URLSession means for us.
    private static func reason(_ error: any Error, host: String) -> any Error {
        guard let error = error as? URLError else { return PrefilterError.unreachable(host: host, reason: "\(error)") }
        switch error.code {
        case .cancelled:
            return CancellationError()
        case .secureConnectionFailed, .serverCertificateHasBadDate, .serverCertificateUntrusted,
            .serverCertificateHasUnknownRoot, .serverCertificateNotYetValid, .clientCertificateRejected,
            .clientCertificateRequired, .appTransportSecurityRequiresSecureConnection:
            return PrefilterError.insecure(host: host, reason: error.localizedDescription)
        case .unsupportedURL, .badURL:
            return PrefilterError.badURL(host)
        default:
            return PrefilterError.unreachable(host: host, reason: error.localizedDescription)
        }
    }
}
