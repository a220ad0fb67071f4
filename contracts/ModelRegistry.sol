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
        uint32 round; // zero for the first version
    }

    /// @notice Emitted when a version is announced, before its bytes are published.
    /// @param version Its number, counted from one.
    /// @param round The round whose accepted results make it of the version before; zero for the first version.
    /// @param contentHash The content hash of its bytes.
    /// @param size Their number.
    event VersionAnnounced(uint256 indexed version, uint256 indexed round, bytes32 indexed contentHash, uint256 size);

    /// @notice Emitted when a chunk of a version is published.
    /// @param version The number of the version.
    /// @param index The number of the chunk.
    /// @param chunk Its bytes.
    event ChunkPublished(uint256 indexed version, uint256 indexed index, bytes chunk);

    /// @notice There is no such version.
    error UnknownVersion(uint256 version);
    /// @notice The first version is made in no round, each other one in a later round than the version before.
    error WrongRound(uint256 round, uint256 before);
    /// @notice The chunk has been published before.
    error AlreadyPublished(uint256 version, uint256 index);

    /// @notice The number of the latest version, counted from one; zero before the first.
    uint256 public latestVersion;

    /// @notice The content hash of a version, its published chunks as a bit each, its size and its round.
    mapping(uint256 number => Version version) public versionAt;

    /// @notice Make the deployer the learning server.
    constructor() ServerOwned(msg.sender) {}

    /* ANNOUNCE */

    /// @notice Announce the next version, whose parent is the latest one. Server only.
    /// @param round The round whose accepted results make it of its parent; zero for the first version.
    /// @param contentHash The content hash of its bytes.
    /// @param size Their number.
    /// @return version Its number, counted from one.
    function announce(uint32 round, bytes32 contentHash, uint256 size) external onlyServer returns (uint256 version) {
        uint32 before = versionAt[latestVersion].round;
        // What a second program of the server's announces once more is refused.
        require(latestVersion == 0 ? round == 0 : round > before, WrongRound(round, before));
        ContentHash.checkSize(size);

        version = ++latestVersion;
        // checkSize has bounded the size by 2^22.
        versionAt[version] = Version({contentHash: contentHash, published: 0, size: uint32(size), round: round});
        emit VersionAnnounced(version, round, contentHash, size);
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

    /// @notice Return the content hash of a version and that of its parent, if they are published whole.
    /// @dev What is not is known to the server alone, and a parent of another size is of another task: nothing that a
    /// job trains follows from them.
    /// @param version The number of the version.
    /// @return model The hash; zero if there is no such version, or not all of it.
    /// @return parent The parent's; zero for the first version too, and for a parent of another size.
    function lineageOf(uint256 version) external view returns (bytes32 model, bytes32 parent) {
        if (!isComplete(version)) return (0, 0);
        Version storage announced = versionAt[version];
        model = announced.contentHash;
        Version storage before = versionAt[version - 1];
        if (before.size == announced.size && isComplete(version - 1)) parent = before.contentHash;
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
