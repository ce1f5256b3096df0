"""A dense model of the user's own is what its file held when the run was asked for."""

import hashlib
import os
from pathlib import Path

from vitprune_core.spec.config import GivenConfig


def pinned(given: GivenConfig) -> GivenConfig:
    """With an absolute path and the hash of what is there now; OSError, ValueError if nothing is.

    One whose hash is known is not looked at: its run may long have taken it over.
    """
    path = Path(os.path.abspath(given.file))
    sha256 = given.sha256
    if sha256 is None:
        if path.exists() and not path.is_file():
            raise ValueError("it is no file")
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return given.model_copy(update={"file": str(path), "sha256": sha256})
