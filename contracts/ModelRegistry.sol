// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ServerOwned} from "./ServerOwned.sol";
import {ContentHash, MAX_CHUNKS} from "./libraries/ContentHash.sol";

/// @title ModelRegistry
/// @notice The learning server publishes every version of the model here: its hash in storage, its bytes in events.
contract ModelRegistry is ServerOwned {
    struct Version {
        bytes32 contentHash;
        uint128 published; // a bit per chunk
        uint32 size;
        uint32 parent; // zero for an initial model
    }

    /// @notice Emitted when a version is announced, before its bytes are published.
    /// @param version Its number, counted from one.
    /// @param parent The version it follows from, zero for an initial model.
    /// @param contentHash The content hash of its bytes.
    /// @param size Their number.
    event VersionAnnounced(uint256 indexed version, uint256 indexed parent, bytes32 indexed contentHash, uint256 size);

    /// @notice Emitted when a chunk of a version is published.
    /// @param version The number of the version.
    /// @param index The number of the chunk.
    /// @param chunk Its bytes.
    event ChunkPublished(uint256 indexed version, uint256 indexed index, bytes chunk);

    /// @notice There is no such version.
    error UnknownVersion(uint256 version);
    /// @notice The chunk has been published before.
    error AlreadyPublished(uint256 version, uint256 index);

    /// @notice The number of the latest version, counted from one; zero before the first.
    uint256 public latestVersion;

    /// @notice The content hash of a version, its published chunks as a bit each, its size and its parent.
    mapping(uint256 number => Version version) public versionAt;

    /// @notice Make the deployer the learning server.
    constructor() ServerOwned(msg.sender) {}

    /* ANNOUNCE */

    /// @notice Announce the next version. Server only.
    /// @param parent The version it follows from, zero for an initial model.
    /// @param contentHash The content hash of its bytes.
    /// @param size Their number.
    /// @return version Its number, counted from one.
    function announce(uint256 parent, bytes32 contentHash, uint256 size) external onlyServer returns (uint256 version) {
        require(parent <= latestVersion, UnknownVersion(parent));
        ContentHash.checkSize(size);

        version = ++latestVersion;
        // checkSize has bounded the size by 2^22; a parent of 2^32 would need as many transactions before.
        versionAt[version] =
            Version({contentHash: contentHash, published: 0, size: uint32(size), parent: uint32(parent)});
        emit VersionAnnounced(version, parent, contentHash, size);
    }

    /* PUBLISH */

    /// @notice Publish a chunk of a version, once. Server only.
    /// @param version The number of the version.
    /// @param index The number of the chunk.
    /// @param chunkHashes The hashes of all chunks of the version.
    /// @param chunk The bytes of the chunk.
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

    /// @notice Return the content hash of a version and that of its parent.
    /// @dev A parent of another size is of another task, and one that is not published whole is known to the server
    /// alone: nothing that a job trains follows from them.
    /// @param version The number of the version.
    /// @return model The hash; zero if there is no such version.
    /// @return parent The parent's; zero for an initial model, and for a parent of another size or not published whole.
    function lineageOf(uint256 version) external view returns (bytes32 model, bytes32 parent) {
        Version storage announced = versionAt[version];
        model = announced.contentHash;
        Version storage before = versionAt[announced.parent];
        if (before.size == announced.size && isComplete(announced.parent)) parent = before.contentHash;
    }

    /// @notice Return whether every chunk of a version is published.
    /// @param version The number of the version.
    /// @return complete Whether they all are.
    function isComplete(uint256 version) public view returns (bool complete) {
        Version storage announced = versionAt[version];
        uint256 count = ContentHash.chunkCount(announced.size);
        return count != 0 && announced.published == type(uint128).max >> (MAX_CHUNKS - count);
    }
}
