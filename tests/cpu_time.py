"""CPU seconds of a piece of work, without what the test session's other objects cost.

A full garbage collection walks every object that thousands of earlier tests left behind; counted
into a piece of work of 50 ms it made one that looked twenty times slower than its neighbours.
"""

import gc
import time
from collections.abc import Callable


def cpu_seconds(work: Callable[[], object]) -> float:
    """Seconds of this process's CPU time that `work` takes, no collection among them."""
    gc.collect()
    gc.disable()
    try:
        began = time.process_time()
        work()
        return time.process_time() - began
    finally:
        gc.enable()
