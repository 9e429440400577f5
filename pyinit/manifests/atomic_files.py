"""Files and folders that are whole or absent: each gets its name once it is on the disk.

On Linux a new file has no name (`O_TMPFILE`) until `linkat()` gives it one, so a process that is
killed leaves nothing behind. Folders, and files elsewhere and on file systems without unnamed
files, have a random name that ends in `.pyinit-partial` until they are whole. Their process holds a
lock on them; the next run in the same place removes those that nobody holds.

Sources: https://man7.org/linux/man-pages/man2/open.2.html,
https://man7.org/linux/man-pages/man2/flock.2.html
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import stat
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be removed
    fcntl = None  # type: ignore[assignment]

SUFFIX = ".pyinit-partial"
#: Names of partial files: the running kernel, which the locks belong to, and a random number.
_PARTIAL = re.compile(rf"\.([0-9a-f]{{8}})-[0-9a-f]{{32}}{re.escape(SUFFIX)}")
#: A partial file of another machine is removed when it has not changed for this many seconds.
_ABANDONED_AFTER = 24 * 3600
#: A folder with the open files of this process, under their numbers.
_OPEN_FILES = "/proc/self/fd"
#: Errors of file systems without unnamed files.
_NOT_UNNAMED = (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT, errno.ENOSYS)
#: Errors of file systems without hard links.
_NOT_LINKED = (errno.EPERM, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS, errno.EMLINK)
#: Errors of a rename onto a folder that has files.
_NOT_EMPTY = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)
_ONLY = "and only regular files are replaced"


class NewFile:
    """A file that is written and then published under its name.

    Without `publish()`, nothing of it stays.

    Args:
        path: The path to publish it under.
        replace: Whether to replace a regular file that exists. Otherwise, of two writers one
            publishes, and the other gets a FileExistsError.

    Raises:
        FileExistsError: The path exists, and `replace` is false.
        OSError: The path is not that of a regular file, or the folder is not writable.
    """

    def __init__(self, path: Path, *, replace: bool = False) -> None:
        self.path = path
        self._replace = replace
        self._seeking = threading.Lock()
        check_target(path, replace=replace)
        self._temporary: Path | None = None
        with naming(path):
            descriptor = _open_unnamed(path.parent)
            if descriptor is None:
                descriptor, self._temporary = _open_partial(path.parent)
        self._descriptor = descriptor

    def write_at(self, position: int, content: Any) -> None:
        """Write bytes at a position. Several threads may write at the same time."""
        left = memoryview(content)
        with naming(self.path):
            while left.nbytes:
                written = self._write(left, position)
                left, position = left[written:], position + written

    def read_at(self, position: int, buffer: Any) -> None:
        """Fill a buffer of bytes with those that the file has at a position."""
        left = memoryview(buffer)
        with naming(self.path):
            while left.nbytes:
                count = self._read(left, position)
                if count == 0:
                    raise OSError(errno.EIO, "was truncated by another program", str(self.path))
                left, position = left[count:], position + count

    def _write(self, content: memoryview, position: int) -> int:
        if hasattr(os, "pwrite"):
            return os.pwrite(self._descriptor, content, position)
        with self._seeking:
            os.lseek(self._descriptor, position, os.SEEK_SET)
            return os.write(self._descriptor, content)

    def _read(self, buffer: memoryview, position: int) -> int:
        if hasattr(os, "preadv"):
            return os.preadv(self._descriptor, [buffer], position)
        with self._seeking:
            os.lseek(self._descriptor, position, os.SEEK_SET)
            content = os.read(self._descriptor, buffer.nbytes)
            buffer[: len(content)] = content
            return len(content)

    def publish(self) -> None:
        """Write the file to the disk, then give it its name; `sync_folder()` makes that durable."""
        with naming(self.path):
            os.fsync(self._descriptor)
            if self._temporary is None and not self._replace:
                _link(self._descriptor, self.path)
                return
            if self._temporary is None:
                self._temporary = _partial_path(self.path.parent)
                _link(self._descriptor, self._temporary)
            if os.name == "nt":  # an open file cannot be renamed there
                self._close()
            if self._replace:
                check_target(self.path, replace=True)
                os.replace(self._temporary, self.path)
            else:
                _rename(self._temporary, self.path)
            self._temporary = None

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __enter__(self) -> NewFile:
        return self

    def __exit__(self, *_: object) -> None:
        if self._temporary is None:
            self._close()
            return
        with suppress(FileNotFoundError):
            if os.name == "nt":
                self._close()
            self._temporary.unlink()
        self._close()


class NewFolder:
    """A folder that is filled and then published under its name.

    Without `publish()`, nothing of it stays.

    Args:
        path: The path to publish it under.
        beside: An existing folder on the same file system, which has the partial folder.
        replace: Whether to replace an existing folder, which is absent for a moment.

    Raises:
        FileExistsError: The path exists, and `replace` is false.
        OSError: The path is not that of a folder, or cannot be written.
    """

    def __init__(self, path: Path, beside: Path, *, replace: bool = False) -> None:
        self.path = path
        self._replace = replace
        self._beside = beside
        check_target(path, replace=replace, folder=True)
        with naming(path):
            self.content, self._descriptor = _make_partial(beside)

    def publish(self) -> None:
        """Write the files to the disk, then give the folder its name."""
        with naming(self.path):
            for folder, _, names in os.walk(self.content):
                for name in names:
                    _sync(Path(folder, name))
                sync_folder(Path(folder))
            check_target(self.path, replace=self._replace, folder=True)
            while not self._rename():
                if not self._replace:
                    raise already_exists(self.path)

    def _rename(self) -> bool:
        """Rename the folder, replacing another one; return False if another run was quicker."""
        old = _partial_path(self._beside)
        try:
            if self._replace:
                with suppress(FileNotFoundError):
                    os.rename(self.path, old)
            os.rename(self.content, self.path)
        except OSError as error:
            if error.errno not in _NOT_EMPTY:
                raise
            return False
        finally:
            shutil.rmtree(old, ignore_errors=True)
        return True

    def __enter__(self) -> NewFolder:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.content, ignore_errors=True)
        if self._descriptor is not None:
            os.close(self._descriptor)


def write_file(path: Path, content: bytes, *, replace: bool = False) -> None:
    """Write a whole file. It has its name only once its content is on the disk.

    Raises:
        FileExistsError: The path exists, and `replace` is false.
        OSError: The path is not that of a regular file, or the file cannot be written.
    """
    remove_abandoned(path.parent)
    with NewFile(path, replace=replace) as file:
        file.write_at(0, content)
        file.publish()
    sync_folder(path.parent)


def check_target(path: Path, *, replace: bool, folder: bool = False) -> None:
    """Check that a file, or a folder, can be published under a path.

    Raises:
        FileExistsError: The path exists, and `replace` is false.
        OSError: The path is something else, such as a symbolic link or a device.
    """
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(mode) and not folder:
        raise IsADirectoryError(errno.EISDIR, "is a folder", str(path))
    if stat.S_ISLNK(mode):
        raise FileExistsError(errno.EEXIST, f"is a symbolic link, {_ONLY}", str(path))
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise FileExistsError(errno.EEXIST, f"is a device, pipe or socket, {_ONLY}", str(path))
    if folder and stat.S_ISREG(mode):
        raise NotADirectoryError(errno.ENOTDIR, "not a folder", str(path))
    if not replace:
        raise already_exists(path)


def already_exists(path: Path) -> FileExistsError:
    """Return the error for a file that exists."""
    return FileExistsError(errno.EEXIST, "already exists", str(path))


def sync_folder(folder: Path) -> None:
    """Write the names in a folder to the disk, where the system can do so."""
    with suppress(OSError):
        _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_abandoned(folder: Path) -> None:
    """Remove what killed processes have left in a folder."""
    with suppress(OSError):
        entries = [(entry.path, _PARTIAL.fullmatch(entry.name)) for entry in os.scandir(folder)]
        for path, match in entries:
            if match is not None:
                _remove_if_abandoned(path, is_local=match[1] == _kernel())


def _remove_if_abandoned(path: str, *, is_local: bool) -> None:
    with suppress(OSError):  # its process holds it, or another one has just removed it
        if not is_local and time.time() - os.lstat(path).st_mtime < _ABANDONED_AFTER:
            return
        descriptor = os.open(path, os.O_RDONLY | _flags("O_NOFOLLOW", "O_CLOEXEC"))
        try:
            if fcntl is not None:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                shutil.rmtree(path)
            else:
                os.unlink(path)
        finally:
            os.close(descriptor)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Name the path in an OSError about an open file or a file with a temporary name."""
    try:
        yield
    except OSError as error:
        if error.strerror is None:  # of packages, which give a message alone
            raise OSError(errno.EIO, str(error) or "cannot be read", str(path)) from None
        if error.filename == str(path):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from None


def _flags(*names: str) -> int:
    """Return the flags of `open()` with those names that the system has."""
    flags = 0
    for name in names:
        flags |= getattr(os, name, 0)
    return flags


@cache
def _kernel() -> str:
    """Return eight digits that identify the running kernel, whose processes share their locks."""
    try:
        text = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    except OSError:
        import platform

        text = platform.node()
    return f"{zlib.crc32(text.encode()):08x}"


def _partial_path(folder: Path) -> Path:
    return folder / f".{_kernel()}-{secrets.token_hex(16)}{SUFFIX}"


def _open_unnamed(folder: Path) -> int | None:
    """Open a file without a name, locked; None where that is not possible."""
    unnamed = _flags("O_TMPFILE")
    if not unnamed or not os.path.isdir(_OPEN_FILES):
        return None
    try:
        descriptor = os.open(folder, unnamed | os.O_RDWR | os.O_CLOEXEC, 0o666)
    except OSError as error:
        if error.errno in _NOT_UNNAMED and folder.is_dir():
            return None
        raise
    _lock(descriptor)
    return descriptor


def _open_partial(folder: Path) -> tuple[int, Path]:
    """Open a new file with a random name, locked."""
    flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | _flags("O_NOFOLLOW", "O_CLOEXEC", "O_BINARY")
    while True:
        path = _partial_path(folder)
        descriptor = os.open(path, flags, 0o666)
        _lock(descriptor)
        if path.exists():
            return descriptor, path
        # another run removed it before it was locked
        os.close(descriptor)


def _make_partial(folder: Path) -> tuple[Path, int | None]:
    """Make a new folder with a random name, locked."""
    while True:
        path = _partial_path(folder)
        path.mkdir()
        if fcntl is None:
            return path, None
        with suppress(FileNotFoundError):
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            _lock(descriptor)
            if path.exists():
                return path, descriptor
            os.close(descriptor)


def _lock(descriptor: int) -> None:
    if fcntl is not None:
        with suppress(OSError):  # not every file system has locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)


def _link(descriptor: int, path: Path) -> None:
    """Give an unnamed file a name that does not exist."""
    folder = os.open(_OPEN_FILES, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # with a folder Python calls linkat(), which follows the link to the open file
        os.link(str(descriptor), path, src_dir_fd=folder)
    except FileExistsError:
        raise already_exists(path) from None
    finally:
        os.close(folder)


def _rename(temporary: Path, path: Path) -> None:
    """Rename a file to a name that does not exist."""
    try:
        if os.name == "nt":  # a rename does not replace there
            os.rename(temporary, path)
            return
        os.link(temporary, path)
    except FileExistsError:
        raise already_exists(path) from None
    except OSError as error:
        if error.errno not in _NOT_LINKED:
            raise
        # without links the name is reserved by an empty file, then replaced
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        except FileExistsError:
            raise already_exists(path) from None
        os.replace(temporary, path)
    else:
        os.unlink(temporary)
