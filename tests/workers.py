"""What worker processes of a pool compute in tests: importable there, as a test's own module is not."""

import os


def computed(parent, shards):
    """Each shard's square, and whether another process than `parent` computed it."""
    for shard in shards:
        yield shard, (shard * shard, os.getpid() != parent)


def fails(at, shards):
    """As `computed`, but for one shard, of which there is an error."""
    for shard in shards:
        if shard == at:
            raise ValueError(f"shard {shard}")
        yield shard, (shard * shard, True)
