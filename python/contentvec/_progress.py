"""The bar of a download."""

from __future__ import annotations

import contextlib
import sys
from typing import Any, Callable, Iterator

from ._core import DownloadProgress

#: Is told how far a download is; what it raises ends the download.
Progress = Callable[[DownloadProgress], None]

WORTH_SHOWING = 1_000_000  # bytes


@contextlib.contextmanager
def download_bar(progress: Progress | None) -> Iterator[Progress | None]:
    """`progress`, or where that is None a bar on standard error, if that is a terminal and tqdm is installed."""
    if progress is not None or sys.stderr is None or not sys.stderr.isatty():
        yield progress
        return
    try:
        from tqdm import tqdm
    except ImportError:
        yield None
        return
    bar = _Bar(tqdm)
    try:
        yield bar
    finally:
        bar.close()


class _Bar:
    """One line for each file that is worth it."""

    def __init__(self, tqdm: Any) -> None:
        self._tqdm = tqdm
        self._file = ""
        self._bar: Any = None

    def __call__(self, now: DownloadProgress) -> None:
        if now.total < WORTH_SHOWING:
            return
        if now.file != self._file:
            self.close()
            self._file = now.file
            self._bar = self._tqdm(
                desc=now.file, total=now.total, initial=now.done, unit="B", unit_scale=True, file=sys.stderr
            )
        self._bar.set_postfix_str("another process downloads it" if now.waiting else "", refresh=False)
        self._bar.update(now.done - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
