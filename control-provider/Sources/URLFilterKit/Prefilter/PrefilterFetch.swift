import Foundation

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// One fetch of a prefilter, from the first request to the file.
struct PrefilterFetch {
    private let source: PrefilterSource
    private let existingTag: String?
    private let limits: TransferLimits
    private let folder: WorkFolder
    private let transfer: HTTPTransfer

    init(_ source: PrefilterSource, existingTag: String?) throws(PrefilterError) {
        self.source = source
        self.existingTag = existingTag
        limits = TransferLimits(idle: source.options.idleTimeout, total: source.options.totalTimeout)
        try Self.check(source.url, source.options)
        folder = try WorkFolder(source.options.workFolder)
        transfer = HTTPTransfer(limits: limits)
    }

    func close() {
        transfer.close()
        folder.unlock()
    }

    func run() async throws -> FetchedPrefilter? {
        let known = folder.validator(of: source.url)
        // "Not changed" says enough only of a manifest that was held to the same terms.
        let isKnown = existingTag != nil && known?.tag == existingTag && known?.terms == source.options.terms
        guard let first = try await fetchDescription(etag: isKnown ? known?.etag : nil) else { return nil }
        do {
            return try await take(first)
        } catch let fault as PrefilterError where fault.mayMeanReplaced {
            guard let second = try await fetchDescription(etag: nil) else { throw fault }
            if second.prefilter.tag == first.prefilter.tag {
                second.file?.remove()
                throw fault
            }
            return try await take(second)
        }
    }

    /// The prefilter that was described; nil: it is the one that the caller has.
    private func take(_ description: Description) async throws -> FetchedPrefilter? {
        folder.removeOthers(than: description.prefilter.tag)
        if let etag = description.etag {
            folder.keep(
                Validator(url: source.url, etag: etag, tag: description.prefilter.tag, terms: source.options.terms))
        }
        if description.prefilter.tag == existingTag {
            description.file?.remove()
            return nil
        }
        if let bits = description.bits {
            try await fetchBits(bits, of: description.prefilter)
        } else {
            try description.file?.rename(to: description.prefilter.file)
        }
        return description.prefilter
    }

    // MARK: what describes the prefilter

    /// What the first answer says; its bits are elsewhere, or (of a property list) in `file`.
    private struct Description {
        let prefilter: FetchedPrefilter
        let etag: String?
        let bits: (url: URL, digest: String?)?
        let file: PartFile?
    }

    /// Nil: not changed.
    private func fetchDescription(etag: String?) async throws -> Description? {
        let sink = DescriptionSink(
            propertyListPart: folder.propertyListPart, maximumBytes: source.options.maximumBytes,
            mustBeSigned: !source.options.publicKeys.isEmpty, isConditional: etag != nil)
        do {
            try await retrying(sink) {
                var request = URLRequest(url: source.url)
                if let etag { request.setValue(etag, forHTTPHeaderField: "If-None-Match") }
                try await transfer.run(request, into: sink)
                return true
            }
            guard let head = sink.head, head.statusCode != 304 else { return nil }
            if let part = sink.part { return try describe(sink.propertyList, part, head.etag) }
            return try describe(PrefilterManifest(json: sink.json), head.url ?? source.url, head.etag)
        } catch {
            sink.part?.remove()
            throw error
        }
    }

    private func describe(_ manifest: PrefilterManifest, _ answered: URL, _ etag: String?) throws(PrefilterError) -> Description {
        let options = source.options
        if !options.publicKeys.isEmpty {
            guard manifest.isSignable, let signature = manifest.signature else { throw .signatureMissing }
            let text = Data(manifest.signedText.utf8)
            guard options.publicKeys.contains(where: { $0.verifies(signature, of: text) }) else { throw .signatureWrong }
        }
        guard manifest.parsingSHA256 == options.parsingSHA256 else {
            throw .wrongParsing(found: manifest.parsingSHA256, expected: options.parsingSHA256)
        }
        guard manifest.byteCount <= options.maximumBytes else {
            throw .tooLarge(bytes: manifest.byteCount, limit: options.maximumBytes)
        }
        guard let bits = URL(string: manifest.url, relativeTo: answered)?.absoluteURL else { throw .badURL(manifest.url) }
        try Self.check(bits, options)
        let prefilter = FetchedPrefilter(
            tag: manifest.tag, bitCount: manifest.bitCount, hashCount: manifest.hashCount, murmurSeed: manifest.murmurSeed,
            file: folder.file(manifest.tag))
        return Description(prefilter: prefilter, etag: etag, bits: (bits, manifest.digest), file: nil)
    }

    private func describe(_ list: PropertyListReader, _ part: PartFile, _ etag: String?) throws(PrefilterError) -> Description {
        guard list.isOne else { throw .malformed("it is neither a manifest nor a property list") }
        guard source.options.parsingSHA256 == nil else {
            throw .wrongParsing(found: nil, expected: source.options.parsingSHA256)
        }
        guard list.isComplete, list.hasBits else { throw .malformed("the property list ends early") }
        func number<Value: BinaryInteger>(
            _ name: String, _ older: String, in range: ClosedRange<Value>
        ) throws(PrefilterError) -> Value {
            guard let value = Value(exactly: try list.number(name, older)), range.contains(value) else {
                throw .malformed("\(name) is out of range")
            }
            return value
        }
        let bitCount = try number("bitCount", "numberOfBits", in: 1...Int(UInt32.max))
        let expected = (bitCount + 7) / 8
        guard part.size == expected else { throw .wrongSize(received: part.size, expected: expected) }
        let tag = part.digest()
        let prefilter = FetchedPrefilter(
            tag: tag, bitCount: bitCount,
            hashCount: try number("hashCount", "numberOfHashes", in: 1...BloomFilter.maximumHashCount),
            murmurSeed: try number("murmurSeed", "murmurSeed", in: 0...UInt32.max), file: folder.file(tag))
        return Description(prefilter: prefilter, etag: etag, bits: nil, file: part)
    }

    // MARK: bits

    private func fetchBits(_ bits: (url: URL, digest: String?), of prefilter: FetchedPrefilter) async throws {
        let part = try PartFile(folder.part(prefilter.tag), limit: prefilter.byteCount)
        // What an earlier process left may be of other bits, or damaged: then once more from the beginning.
        var isTrusted = part.size == 0
        while true {
            do {
                try await fetchRest(bits.url, of: prefilter, into: part)
                let digest = part.digest()
                if let expected = bits.digest, digest != expected {
                    throw PrefilterError.wrongDigest(found: digest, expected: expected)
                }
                return try part.rename(to: prefilter.file)
            } catch let fault as PrefilterError {
                switch fault {
                case .wrongDigest, .wrongSize:
                    try part.startOver()
                    if isTrusted { throw fault }
                    isTrusted = true
                default:
                    throw fault
                }
            }
        }
    }

    /// Asks until the part is whole, for one window after the other: so the network is never further ahead of the disk
    /// than that, whatever URLSession keeps.
    private func fetchRest(_ url: URL, of prefilter: FetchedPrefilter, into part: PartFile) async throws {
        let expected = prefilter.byteCount
        let sink = BitsSink(part, expected: expected)
        sink.etag = folder.validator(of: url).flatMap { $0.tag == prefilter.tag ? $0.etag : nil }
        sink.onEtag = { [folder] in folder.keep(Validator(url: url, etag: $0, tag: prefilter.tag)) }
        try await retrying(sink, progress: { part.size }) {
            if part.size == expected { return true }
            if sink.etag == nil { try part.startOver() }
            let before = part.size
            let wasWindow = sink.hasParts
            do {
                let end = sink.hasParts ? min(before + Self.windowBytes, expected) : expected
                try await transfer.run(Self.request(url, before..<end, of: expected, etag: sink.etag), into: sink)
            } catch PrefilterError.unreachable where part.size > 0 {
                throw PrefilterError.brokenOff(received: part.size, expected: expected)
            }
            if part.size == expected { return true }
            // Without parts the next attempt begins anew, as after a window that was the first of bits without an ETag.
            let isWindow = part.size > before && (sink.hasParts || wasWindow)
            guard isWindow else { throw PrefilterError.brokenOff(received: part.size, expected: expected) }
            return false
        }
    }

    /// Bytes of the bits in one request.
    private static let windowBytes = 256 * 1024

    private static func request(_ url: URL, _ window: Range<Int>, of expected: Int, etag: String?) -> URLRequest {
        var request = URLRequest(url: url)
        if window != 0..<expected {
            request.setValue("bytes=\(window.lowerBound)-\(window.upperBound - 1)", forHTTPHeaderField: "Range")
            if let etag { request.setValue(etag, forHTTPHeaderField: "If-Range") }
        }
        return request
    }

    // MARK: attempts

    /// Attempts one after the other until one says that all is done, an error will not pass, or attempts or time are used up.
    /// What brings progress is followed by the next without a wait, and failures are counted anew. A server that asks for more time
    /// (`Retry-After`) gets it; one that asks for more than there is, is not asked again.
    private func retrying(
        _ sink: some BodySink, progress: () -> Int = { 0 }, _ attempt: () async throws -> Bool
    ) async throws {
        let options = source.options
        var failures = 0
        while true {
            let before = progress()
            do {
                if try await attempt() { return }
                failures = 0
            } catch let fault as PrefilterError where fault.isTransient {
                failures = progress() > before ? 1 : failures + 1
                let delay = options.firstDelay * (1 << min(failures - 1, Self.mostDoublings))
                let asked = sink.retryAfter ?? .zero
                if failures >= options.attempts || .now + asked + delay >= limits.deadline { throw fault }
                // Devices whose server came back do not all ask at the same moment.
                try await Task.sleep(for: asked + delay * Double.random(in: 0.5...1))
            }
        }
    }

    private static let mostDoublings = 16

    private static func check(_ url: URL, _ options: PrefilterSource.Options) throws(PrefilterError) {
        let isSafe = url.scheme == "https" || options.allowsInsecureHTTP && url.scheme == "http"
        guard isSafe, url.host()?.isEmpty == false else { throw .badURL(url.absoluteString) }
    }
}

extension HTTPURLResponse {
    var etag: String? { value(forHTTPHeaderField: "ETag") }

    /// Seconds of `Retry-After`; a date there is not read.
    var retryAfter: Duration? {
        value(forHTTPHeaderField: "Retry-After").flatMap { UInt32($0) }.map { .seconds($0) }
    }

    /// The error that this status is; nil for those in `wanted`.
    func fault(wanted: Set<Int>) -> PrefilterError? {
        switch statusCode {
        case let status where wanted.contains(status): nil
        case 404: .notFound(path: url?.path() ?? "")
        case 408, 429, 500...599: .serverFailed(status: statusCode)
        default: .refused(status: statusCode)
        }
    }
}
