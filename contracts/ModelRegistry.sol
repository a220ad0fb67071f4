// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ContentHash, MAX_CHUNKS} from "./libraries/ContentHash.sol";

/// @title ModelRegistry
/// @notice The learning server publishes every version of the model here: its content hash, its parent, its bytes in event logs.
contract ModelRegistry {
    struct Version {
        bytes32 contentHash;
        uint128 published; // a bit per chunk
        uint32 size;
        uint32 parent; // zero for an initial model
    }

    /// @notice Announces a version before its bytes are published.
    event VersionAnnounced(uint256 indexed version, uint256 indexed parent, bytes32 indexed contentHash, uint256 size);

    /// @notice Carries one chunk of a version's bytes.
    event ChunkPublished(uint256 indexed version, uint256 indexed index, bytes chunk);

    error NotTheServer(address caller);
    error UnknownVersion(uint256 version);
    error AlreadyPublished(uint256 version, uint256 index);

    /// @notice The learning server, who alone writes here.
    address public immutable SERVER;

    /// @notice The number of the newest version, counted from one; zero before the first.
    uint256 public latestVersion;

    /// @notice What is known of a version.
    mapping(uint256 number => Version version) public versionAt;

    modifier onlyServer() {
        require(msg.sender == SERVER, NotTheServer(msg.sender));
        _;
    }

    /// @notice Make the deployer the learning server.
    constructor() {
        SERVER = msg.sender;
    }

    /* ANNOUNCE */

    /// @notice Announce the next version, `size` bytes that follow from version `parent` (zero: from nothing); server only.
    function announce(uint256 parent, bytes32 contentHash, uint256 size) external onlyServer returns (uint256 version) {
        require(parent <= latestVersion, UnknownVersion(parent));
        ContentHash.checkSize(size);

        version = ++latestVersion;
        // checkSize has bounded the size by 2^22; a parent past 2^32 would need as many transactions.
        versionAt[version] = Version({contentHash: contentHash, published: 0, size: uint32(size), parent: uint32(parent)});
        emit VersionAnnounced(version, parent, contentHash, size);
    }

    /* PUBLISH */

    /// @notice Publish chunk `index` of a version, once; `chunkHashes` are the hashes of all its chunks; server only.
    function publish(uint256 version, uint256 index, bytes32[] calldata chunkHashes, bytes calldata chunk)
        external
        onlyServer
    {
        Version storage announced = versionAt[version];
        require(announced.size != 0, UnknownVersion(version));
        ContentHash.checkChunk(announced.contentHash, announced.size, index, chunkHashes, chunk);
        // checkChunk has bounded the index by 128.
        uint128 bit = uint128(1 << index);
        require(announced.published & bit == 0, AlreadyPublished(version, index));

        announced.published |= bit;
        emit ChunkPublished(version, index, chunk);
    }

    /* VIEWS */

    /// @notice Return whether all bytes of a version are on the chain.
    function isComplete(uint256 version) external view returns (bool) {
        Version storage announced = versionAt[version];
        uint256 count = ContentHash.chunkCount(announced.size);
        return count != 0 && announced.published == type(uint128).max >> (MAX_CHUNKS - count);
    }
}
