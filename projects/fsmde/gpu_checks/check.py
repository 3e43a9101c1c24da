"""What a check is, what it finds, and running all of them."""

import time
import traceback
from dataclasses import dataclass, field

#: {name: function with ``title`` and ``why``} of every check, in the order in which they run.
CHECKS = {}


class NotHereError(Exception):
    """A check that this machine cannot run; says what is missing."""


@dataclass
class Finding:
    """One figure of a check.

    Args:
        what: Its name.
        value: The figure.
        limit: The check fails where ``value <= limit`` does not hold, NaN included. None: nothing is asked of it.
    """

    what: str
    value: float
    limit: float = None

    @property
    def failed(self) -> bool:
        """Whether the figure is beyond its limit."""
        return self.limit is not None and not self.value <= self.limit


@dataclass
class Outcome:
    """What became of one check: figures, or what stopped it."""

    name: str
    title: str
    why: str
    findings: list = field(default_factory=list)
    texts: list = field(default_factory=list)
    error: str = None
    skipped: str = None
    seconds: float = 0.0

    @property
    def failed(self) -> bool:
        """Whether it was stopped by an error or a figure is beyond its limit."""
        return self.error is not None or any(finding.failed for finding in self.findings)

    @property
    def result(self) -> str:
        """In a word."""
        return 'FAILED' if self.failed else 'skipped' if self.skipped else 'passed'


def check(title: str, why: str):
    """Register a generator of :class:`Finding` and of text, called with a :class:`~fsmde.gpu_checks.setting.Setting`.

    Args:
        title: One line.
        why: Why its limits are what they are.
    """

    def register(function):
        function.title, function.why = title, why
        CHECKS[function.__name__] = function
        return function

    return register


def run_check(name: str, setting) -> Outcome:
    """Run one check; an error in it is part of its outcome."""
    function = CHECKS[name]
    outcome, start = Outcome(name, function.title, function.why), time.perf_counter()
    try:
        for found in function(setting):
            (outcome.findings if isinstance(found, Finding) else outcome.texts).append(found)
    except NotHereError as reason:
        outcome.skipped = str(reason)
    except Exception:  # Whatever it is: the other checks are to run, and the report to tell.
        outcome.error = traceback.format_exc()
    outcome.seconds = time.perf_counter() - start
    return outcome
