"""Memory that is refused: how it is said, by whom, and how much a process had held.

Knows of torch only if it is there: loading it is where memory may be refused first.
"""

import resource
import sys

WORDS = (
    *("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory"),
    *("could not create a primitive", "can't start new thread", "failed to map segment"),
)
"""Of CUDA, torch, the system, oneDNN, Python's threads and the loader of libraries."""


def out_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError | ImportError | OSError)
        and any(words in str(error).lower() for words in WORDS)
    )


def memory_peak() -> str:
    """The most this process has held: of the device's memory where it has its own."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    torch = sys.modules.get("torch")
    if torch and torch.cuda.is_available() and torch.cuda.is_initialized():
        peak = torch.cuda.max_memory_allocated()
    return f"{peak / 2**30:.2f} GiB"
