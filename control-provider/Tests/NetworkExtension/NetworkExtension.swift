/// What of Apple's NetworkExtension the package and the example are written against, so that they can be
/// compiled and tested where Apple's SDK is not: the declarations, and a manager that remembers what it
/// was told and answers as a test wants. Test support, never shipped.
import ExtensionFoundation
import Foundation

public protocol NEURLFilterControlProvider: AppExtension {
    func start() async throws
    func stop(reason: NEProviderStopReason) async throws
    func fetchPrefilter(existingPrefilterTag: String?) async throws -> NEURLFilterPrefilter?
}

public enum NEProviderStopReason: Int, Sendable {
    case none = 0
    case userInitiated, providerFailed, noNetworkAvailable, unrecoverableNetworkChange, providerDisabled
    case authenticationCanceled, configurationFailed, idleTimeout, configurationDisabled, configurationRemoved
    case superceded, userLogout, userSwitch, connectionFailed, sleep, appUpdate, internalError
}

public struct NEURLFilterPrefilter: Sendable {
    public enum PrefilterData: Sendable {
        case smallFilter(Data)
        case temporaryFilepath(URL)
    }

    public let data: PrefilterData
    public let tag: String
    public let bitCount: Int
    public let hashCount: Int
    public let murmurSeed: UInt32

    public init(data: PrefilterData, tag: String, bitCount: Int, hashCount: Int, murmurSeed: UInt32) {
        self.data = data
        self.tag = tag
        self.bitCount = bitCount
        self.hashCount = hashCount
        self.murmurSeed = murmurSeed
    }
}

/// Of Apple's Foundation.
public struct LocalizedStringResource: Equatable, Sendable, ExpressibleByStringLiteral {
    public let key: String
    public init(stringLiteral value: String) { key = value }
}
