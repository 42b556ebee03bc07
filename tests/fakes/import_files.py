"""The bucket of imports in memory: versions by ETag, as in a bucket without versions."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from groundwork.backlog.card_import.content import Content, StoredObject
from groundwork.imports.errors import FileChanged
from groundwork.imports.model import StoredFile
from groundwork.imports.ports import PresignedUpload


def etag_of(data: bytes) -> str:
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'


@dataclass
class MemoryFiles:
    """Port ImportFiles. `on_request` is called before each request, with its name and key."""

    objects: dict[str, bytes] = field(default_factory=dict)
    on_request: Callable[[str, str], None] = lambda request, key: None
    read_bytes: int = 64 * 1024

    def upload(self, key: str, size: int) -> PresignedUpload:
        return PresignedUpload(f"https://bucket/{key}", "PUT", {"content-type": "application/octet-stream"}, 1)

    def find(self, key: str, version_id: str | None = None) -> StoredFile | None:
        self.on_request("find", key)
        data = self.objects.get(key)
        return None if data is None else StoredFile(key, etag_of(data), len(data))

    def content(self, file: StoredFile) -> Content:
        return StoredObject(lambda offset: self._read(file, offset), file.size)

    def _read(self, file: StoredFile, offset: int) -> Iterator[bytes]:
        while offset < file.size:
            self.on_request("read", file.key)
            data = self.objects.get(file.key)
            if data is None or etag_of(data) != file.etag:
                raise FileChanged("The file was deleted or replaced since the start of its import.")
            yield data[offset : offset + self.read_bytes]
            offset += self.read_bytes

    def store(self, key: str, chunks: Iterable[bytes]) -> StoredFile:
        data = b"".join(chunks)
        self.on_request("store", key)
        self.objects[key] = data
        return StoredFile(key, etag_of(data), len(data))
