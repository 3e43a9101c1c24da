"""Doing the next thing while the current one is computed."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor

_END = object()


def prefetch(items, function, ahead: int = 2):
    """Yield ``function(item)`` of each item in order; a thread is up to ``ahead`` of them ahead.

    The items are drawn in that thread, too. An exception of either is raised where its result would have been.
    """
    iterator = iter(items)

    def step():
        for item in iterator:
            return function(item)
        return _END

    with ThreadPoolExecutor(1, 'prefetch') as pool:
        waiting = deque(pool.submit(step) for _ in range(ahead))
        while (value := waiting.popleft().result()) is not _END:
            waiting.append(pool.submit(step))
            yield value


class Behind:
    """Calls a function in a thread, at most ``behind`` calls behind; an exception is raised by a later call.

    Used as a context: at its end all calls are done.
    """

    def __init__(self, function, behind: int = 2):
        self.function, self.behind = function, behind
        self.pool, self.waiting = ThreadPoolExecutor(1, 'behind'), deque()

    def __call__(self, *args) -> None:
        """Ask for a call; waits while too many are not done."""
        while len(self.waiting) >= self.behind:
            self.waiting.popleft().result()
        self.waiting.append(self.pool.submit(self.function, *args))

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        try:
            while self.waiting and kind is None:
                self.waiting.popleft().result()
        finally:
            self.pool.shutdown(wait=True, cancel_futures=True)
