import Foundation

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// A file that grows by pieces while its SHA-256 is computed, and gets its name when it is whole.
///
/// What came before a break is kept; opening the file again hashes it, in pieces. It lies in a ``WorkFolder``, whose lock keeps
/// others away.
///
/// Threads: one at a time.
final class PartFile {
    private let descriptor: Int32
    private let path: URL
    private(set) var size = 0
    private var hash = SHA256Stream()
    private static let pieceBytes = 64 * 1024

    /// Opens what is there, or makes an empty file.
    ///
    /// - Parameter limit: what is longer than this is no part of the wanted file, and begun anew.
    init(_ path: URL, limit: Int) throws(PrefilterError) {
        self.path = path
        descriptor = open(path.path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.fault() }
        try hashWhatIsThere()
        if size > limit { try startOver() }
    }

    deinit {
        close(descriptor)
    }

    /// Forgets what came.
    func startOver() throws(PrefilterError) {
        guard ftruncate(descriptor, 0) == 0, lseek(descriptor, 0, SEEK_SET) == 0 else { throw Self.fault() }
        size = 0
        hash = SHA256Stream()
    }

    /// Appends a piece.
    func append(_ bytes: UnsafeRawBufferPointer) throws(PrefilterError) {
        hash.update(bytes)
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
            guard written > 0 || errno == EINTR else { throw Self.fault() }
            rest = rest.dropFirst(max(written, 0))
        }
        size += bytes.count
    }

    /// The SHA-256 of all that came. Afterwards the file takes nothing more.
    func digest() -> String {
        hash.finish()
    }

    /// Gives the whole file its name, and what was there under that name goes.
    func rename(to target: URL) throws(PrefilterError) {
        guard Foundation.rename(path.path, target.path) == 0 else { throw Self.fault() }
    }

    /// Removes the file.
    func remove() {
        unlink(path.path)
    }

    private func hashWhatIsThere() throws(PrefilterError) {
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.pieceBytes, alignment: 1)
        defer { piece.deallocate() }
        while true {
            let count = read(descriptor, piece.baseAddress, piece.count)
            if count == 0 { return }
            guard count > 0 || errno == EINTR else { throw Self.fault() }
            if count > 0 {
                hash.update(UnsafeRawBufferPointer(rebasing: piece[..<count]))
                size += count
            }
        }
    }

    private static func fault() -> PrefilterError {
        .storage(String(cString: strerror(errno)))
    }
}
