"""HDR histograms of microseconds: exact to 0.1 %, of fixed size, and they add up across processes."""

from __future__ import annotations

from hdrh.histogram import HdrHistogram

from harness.model.load import Distribution

_LOWEST_US = 1
_HIGHEST_US = 3_600_000_000  # an hour
_DIGITS = 3
_PERCENTILES = (50.0, 90.0, 95.0, 99.0)


class Histogram:
    """Counts durations from 1 µs to 1 h; shorter and longer ones count as those."""

    def __init__(self) -> None:
        self._hdr = HdrHistogram(_LOWEST_US, _HIGHEST_US, _DIGITS)

    def record(self, seconds: float) -> None:
        """Counts one duration."""
        self._hdr.record_value(min(max(int(seconds * 1e6), _LOWEST_US), _HIGHEST_US))

    def add(self, encoded: str) -> None:
        """Adds what `encode` gave in another process."""
        if encoded:
            self._hdr.decode_and_add(encoded)

    def encode(self) -> str:
        """The interchange format (V2, compressed, base64); "" where nothing was counted."""
        return str(self._hdr.encode().decode()) if self._hdr.get_total_count() else ""

    def distribution(self) -> Distribution:
        """Its percentiles, with itself encoded."""
        count = int(self._hdr.get_total_count())
        if not count:
            return Distribution()
        at = self._hdr.get_percentile_to_value_dict(list(_PERCENTILES))
        p50, p90, p95, p99 = (at[percentile] / 1000 for percentile in _PERCENTILES)
        return Distribution(count, p50, p90, p95, p99, self._hdr.get_max_value() / 1000, self.encode())


def distribution_of(encoded: list[str]) -> Distribution:
    """The percentiles of several encoded histograms together."""
    whole = Histogram()
    for part in encoded:
        whole.add(part)
    return whole.distribution()
