"""Finding pictures that look alike by their perceptual hashes, exactly and quickly. Pure.

Two hashes that differ in at most 7 of 64 bits agree up to one bit in at least one of their four
quarters (the pigeonhole principle), so the rows under 4 x 17 keys hold every match. A wider radius
is a scan over all hashes.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

# Bits of 64. Scaled or recompressed copies of one picture differ by 0 to 4.
RADIUS = 6
_BUCKETED_RADIUS = 7
_QUARTERS = 4
_KEYS = 1 << 16
_NEIGHBOURS = np.array([0, *(1 << bit for bit in range(16))], dtype=np.int64)
# So many rows, and a sixteenth of all, are scanned before the buckets are made anew.
_UNSORTED = 4096

Int64s = npt.NDArray[np.int64]


class HashIndex:
    """Grows while it is used. Hashes are signed 64-bit numbers, as the database keeps them.

    One thread at a time: whoever shares it holds a lock.
    """

    def __init__(self) -> None:
        self._ids: Int64s = np.zeros(0, dtype=np.int64)
        self._hashes: Int64s = np.zeros(0, dtype=np.int64)
        # Where a scan writes: fresh memory for each takes longer than the scan.
        self._scratch: Int64s = np.zeros(0, dtype=np.int64)
        self._differing: npt.NDArray[np.uint8] = np.zeros(0, dtype=np.uint8)
        self._count = 0
        self._sort()

    def __len__(self) -> int:
        return self._count

    def extend(self, ids: Sequence[int], hashes: Sequence[int]) -> None:
        """Add pictures. The next question may make the buckets anew: 0.3 s for a million."""
        if len(ids) != len(hashes):
            raise ValueError("Every id needs a hash.")
        end = self._count + len(ids)
        if end > len(self._ids):
            room = np.zeros(max(1024, end), dtype=np.int64)
            self._ids = np.concatenate([self._ids, room])
            self._hashes = np.concatenate([self._hashes, room])
        self._ids[self._count : end] = ids
        self._hashes[self._count : end] = hashes
        self._count = end

    def within(
        self, phash: int, radius: int = RADIUS, at_most: int | None = None
    ) -> list[tuple[int, int]]:
        """(id, bits that differ) of the pictures within the radius (0..64), the nearest first.

        at_most: so many of the nearest; of equally near ones the lowest ids.
        """
        if radius <= _BUCKETED_RADIUS:
            if self._count - self._sorted > max(_UNSORTED, self._sorted // 16):
                self._sort()
            tail = np.arange(self._sorted, self._count, dtype=np.int64)
            rows = np.concatenate([self._candidates(phash), tail])
            distances = _differing(self._hashes[rows], phash)
            near = distances <= radius
            rows, distances = rows[near], distances[near]
        else:
            rows, distances = self._scanned(phash, radius)
        ids = self._ids[rows]
        order = np.lexsort((ids, distances))[:at_most]
        return [(int(ids[place]), int(distances[place])) for place in order]

    def _scanned(self, phash: int, radius: int) -> tuple[Int64s, npt.NDArray[np.uint8]]:
        """The rows within the radius and their distances, by looking at all."""
        if len(self._scratch) < self._count:
            self._scratch = np.empty(len(self._hashes), dtype=np.int64)
            self._differing = np.empty(len(self._hashes), dtype=np.uint8)
        bits, distances = self._scratch[: self._count], self._differing[: self._count]
        np.bitwise_xor(self._hashes[: self._count], np.int64(phash), out=bits)
        np.bitwise_count(bits.view(np.uint64), out=distances)
        rows = np.flatnonzero(distances <= radius)
        return rows, distances[rows]

    def _candidates(self, phash: int) -> Int64s:
        """The sorted rows that share a quarter up to one bit, each once."""
        found = []
        for quarter in range(_QUARTERS):
            keys = _quarter(np.array([phash], dtype=np.int64), quarter)[0] ^ _NEIGHBOURS
            starts, order = self._starts[quarter], self._orders[quarter]
            found += [order[starts[key] : starts[key + 1]] for key in keys]
        return np.unique(np.concatenate(found)).astype(np.int64)

    def _sort(self) -> None:
        """Make the buckets of all rows: for each quarter the rows by its value, and where each
        value begins."""
        self._sorted = self._count
        self._orders, self._starts = [], []
        for quarter in range(_QUARTERS):
            values = _quarter(self._hashes[: self._count], quarter)
            self._orders.append(np.argsort(values, kind="stable").astype(np.int32))
            counts = np.bincount(values, minlength=_KEYS)
            self._starts.append(np.concatenate([[0], np.cumsum(counts)]))


def _quarter(hashes: Int64s, quarter: int) -> Int64s:
    """16 of the 64 bits, 0..65535."""
    bits: Int64s = (hashes >> (16 * quarter)) & (_KEYS - 1)
    return bits


def _differing(hashes: Int64s, phash: int) -> npt.NDArray[np.uint8]:
    return np.bitwise_count(np.bitwise_xor(hashes, np.int64(phash)).view(np.uint64))
