import Foundation

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// One fetch of a prefilter, from the first request to the file.
struct PrefilterFetch {
    private let source: PrefilterSource
    private let existingTag: String?
    private let transfer = HTTPTransfer()
    private let limits: TransferLimits
    private let folder: WorkFolder

    init(_ source: PrefilterSource, existingTag: String?) throws(PrefilterError) {
        self.source = source
        self.existingTag = existingTag
        limits = TransferLimits(
            idle: source.options.idleTimeout, deadline: .now + source.options.totalTimeout)
        folder = try WorkFolder(source.options.workFolder)
        try Self.check(source.url, source.options)
    }

    func close() {
        transfer.close()
    }

    func run() async throws -> FetchedPrefilter? {
        let known = folder.validator(of: source.url)
        let isKnown = existingTag != nil && known?.tag == existingTag
        guard let description = try await fetchDescription(etag: isKnown ? known?.etag : nil) else { return nil }
        folder.removeOthers(than: description.prefilter.tag)
        if let etag = description.etag {
            folder.keep(Validator(url: source.url, etag: etag, tag: description.prefilter.tag))
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
        let sink = DescriptionSink(propertyListPart: folder.propertyListPart, maximumBytes: source.options.maximumBytes)
        do {
            try await retrying {
                var request = URLRequest(url: source.url)
                if let etag { request.setValue(etag, forHTTPHeaderField: "If-None-Match") }
                try await transfer.run(request, into: sink, limits: limits)
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
        if let key = options.publicKey {
            guard let signature = manifest.signature else { throw .signatureMissing }
            guard key.verifies(signature, of: Data(manifest.signedText.utf8)) else { throw .signatureWrong }
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
        guard source.options.publicKey == nil else { throw .signatureMissing }
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
        try await retrying(progress: { part.size }) {
            if part.size == expected { return true }
            if sink.etag == nil { try part.startOver() }
            let before = part.size
            do {
                try await transfer.run(Self.request(url, from: before, of: expected, etag: sink.etag), into: sink, limits: limits)
            } catch PrefilterError.unreachable where part.size > 0 {
                throw PrefilterError.brokenOff(received: part.size, expected: expected)
            }
            guard part.size > before else { throw PrefilterError.brokenOff(received: part.size, expected: expected) }
            return part.size == expected
        }
    }

    /// Bytes of the bits in one request.
    private static let windowBytes = 256 * 1024

    private static func request(_ url: URL, from first: Int, of expected: Int, etag: String?) -> URLRequest {
        var request = URLRequest(url: url)
        let end = min(first + windowBytes, expected)
        if first > 0 || end < expected {
            request.setValue("bytes=\(first)-\(end - 1)", forHTTPHeaderField: "Range")
            if let etag { request.setValue(etag, forHTTPHeaderField: "If-Range") }
        }
        return request
    }

    // MARK: attempts

    /// Attempts one after the other until one says that all is done, an error will not pass, or attempts or time are used up.
    /// What brings progress is followed by the next without a wait, and failures are counted anew.
    private func retrying(progress: () -> Int = { 0 }, _ attempt: () async throws -> Bool) async throws {
        let options = source.options
        var failures = 0
        while true {
            let before = progress()
            do {
                if try await attempt() { return }
            } catch let fault as PrefilterError where fault.isTransient {
                failures = progress() > before ? 1 : failures + 1
                let delay = options.firstDelay * (1 << min(failures - 1, Self.mostDoublings))
                if failures >= options.attempts || .now + delay >= limits.deadline { throw fault }
                // Devices whose server came back do not all ask at the same moment.
                try await Task.sleep(for: delay * Double.random(in: 0.5...1))
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
