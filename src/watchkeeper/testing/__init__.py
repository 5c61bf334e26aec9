"""For tests of one's own plug-ins, procedures and policies: a clock to move, stand-ins for the doors, and a simulated world."""

from watchkeeper.testing.books import book_from
from watchkeeper.testing.clock import FakeClock
from watchkeeper.testing.doubles import DirectEngine, FakeTarget, RecordingNotifier
from watchkeeper.testing.journal import Died, DyingJournal
from watchkeeper.testing.world import Broken, live_a_night

__all__ = [
    "Broken",
    "Died",
    "DirectEngine",
    "DyingJournal",
    "FakeClock",
    "FakeTarget",
    "RecordingNotifier",
    "book_from",
    "live_a_night",
]
