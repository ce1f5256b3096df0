"""Unpacking in memory: never to disk, and never more than was said beforehand."""

import io
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from vitprune_core.engine.images.wrong import Damaged

GZIP = 31  # the window of zlib that means: one gzip member, header and checksum included


def gunzip(data: bytes, most: int, where: object) -> bytes:
    """What a gzip file holds; raises `Damaged` when that is more than `most` bytes, or damaged."""
    unpacker = zlib.decompressobj(GZIP)
    try:
        content = unpacker.decompress(data, most + 1)
    except zlib.error as error:
        raise Damaged(where, f"is no whole gzip file: {error}") from None
    if len(content) > most:
        raise Damaged(where, f"unpacks to more than the {most:,} bytes expected")
    if not unpacker.eof:
        raise Damaged(where, "ends in the middle of what it packs")
    if unpacker.unused_data:
        extra = len(unpacker.unused_data)
        raise Damaged(where, f"has {extra:,} bytes after its end")
    return content


def members(tar: bytes, wanted: Sequence[tuple[str, int]], where: object) -> Iterator[bytes]:
    """The files of an archive by exact name, in the order of `wanted`: name, bytes at most.

    Raises `Damaged` for an archive in which anything is not as in a plain one: a name that leads
    out of the one folder, a link, a device, a name twice.
    """
    folder = PurePosixPath(wanted[0][0]).parts[0]
    try:
        with tarfile.open(fileobj=io.BytesIO(tar), mode="r:") as archive:
            found = _plain(archive, folder, where)
            for name, most in wanted:
                yield _content(archive, found, name, most, where)
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise Damaged(where, f"is no whole tar archive: {error}") from None


def _plain(archive: tarfile.TarFile, folder: str, where: object) -> dict[str, tarfile.TarInfo]:
    """What is in the archive by name, where all of it is harmless."""
    found: dict[str, tarfile.TarInfo] = {}
    for member in archive:
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts or path.parts[:1] != (folder,):
            raise Damaged(where, f"has {member.name!r}, outside {folder}/")
        if not (member.isdir() or (member.isreg() and not member.issparse())):
            raise Damaged(where, f"has {member.name!r}, which is no plain file")
        if str(path) in found:
            raise Damaged(where, f"has {member.name!r} twice")
        found[str(path)] = member
    return found


def _content(
    archive: tarfile.TarFile, found: dict[str, tarfile.TarInfo], name: str, most: int, where: object
) -> bytes:
    member = found.get(name)
    file = archive.extractfile(member) if member else None
    if member is None or file is None:
        raise Damaged(where, f"has no file {name!r}")
    if member.size > most:
        what = f"{name!r} of {member.size:,} bytes, more than the {most:,} expected"
        raise Damaged(where, f"has {what}")
    content = file.read(most)
    if len(content) < member.size:
        raise Damaged(where, f"ends in the middle of {name!r}")
    return content
