"""Files behind http(s) addresses."""

import hashlib
import http.client
import os
import re
import urllib.request
import uuid
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlparse

import torch
from mmengine.dist import barrier, get_rank
from mmengine.logging import print_log

from ..errors import CheckpointError

PUBLISHED = r'_\d{8}-([0-9a-f]{8})$'  # OpenMMLab's names end in a date and the start of the file's SHA-256
CHUNK = 1 << 20
TIMEOUT = 60  # seconds without a byte


def download(address: str, key: str) -> Path:
    """Downloads a file with a progress bar, once: it stays in ``checkpoints`` of torch's cache (``TORCH_HOME``).

    In a distributed job the first process of each machine downloads while the others wait.

    Args:
        address: The http(s) address.
        key: The config key that holds it, for errors.

    Returns:
        The file in the cache. A name that OpenMMLab gave (``..._20201027-623825a0.pth``) is kept, and its hash compared
        with the file's; any other, which several addresses may share, gets a hash of the address.

    Raises:
        CheckpointError: If the address cannot be read to its end, or the file has another hash than its name says.
    """
    path = cached_path(address)
    published = _published(address)
    first = int(os.environ.get('LOCAL_RANK', get_rank())) == 0
    try:
        if first:
            _fetch(address, path, key, published and published[1])
    finally:
        barrier()
    if not path.exists():
        raise CheckpointError(f"{key}={address!r}: this machine's first process could not download it")
    return path


def cached_path(address: str) -> Path:
    """The file in torch's cache that an address is downloaded to, see :func:`download`."""
    name = Path(urlparse(address).path)
    stem = name.stem if _published(address) else f'{name.stem}-{hashlib.sha256(address.encode()).hexdigest()[:8]}'
    return Path(torch.hub.get_dir()) / 'checkpoints' / f'{stem}{name.suffix}'


def _published(address: str) -> re.Match | None:
    """The hash in a name that OpenMMLab gave; None for other names."""
    return re.search(PUBLISHED, Path(urlparse(address).path).stem)


def _fetch(address: str, path: Path, key: str, digest: str | None) -> None:
    """Downloads a file unless it is there, and whole."""
    there = _sha256(path) if path.exists() and digest is not None else ''
    if path.exists() and there.startswith(digest or ''):
        return
    print_log(f'{key}: downloading {address} to {path}', logger='current')
    part = path.with_name(f'{path.name}.{uuid.uuid4().hex}.part')  # other jobs may download it, too
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _read(address, part)
        if digest is not None and not (found := _sha256(part)).startswith(digest):
            raise CheckpointError(
                f'{key}={address!r}: the file begins its SHA-256 with {found[:8]}, its name says {digest}; it is '
                'damaged or not what was published (if you trust it, download it yourself and give its path)'
            )
        os.replace(part, path)
    except (OSError, http.client.HTTPException) as error:
        damaged = f'; the one there is damaged (its SHA-256 begins with {there[:8]}, not {digest})' if there else ''
        raise CheckpointError(
            f'{key}={address!r} cannot be downloaded: {error}. Where there is no network, put the file at '
            f'{str(path)!r} (the environment variable TORCH_HOME names another place){damaged}'
        ) from error
    finally:
        with suppress(OSError):
            part.unlink()


def _read(address: str, path: Path) -> None:
    """Reads an address into a file; one that ends too early is an ``OSError``."""
    request = urllib.request.Request(address, headers={'User-Agent': 'mmdualkd'})
    with urllib.request.urlopen(request, timeout=TIMEOUT) as response, path.open('wb') as file:
        length = response.headers.get('Content-Length')
        total = int(length) if length else None
        with torch.hub.tqdm(total=total, unit='B', unit_scale=True, unit_divisor=1024) as bar:
            while chunk := response.read(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
        if total is not None and file.tell() != total:
            raise OSError(f'it was cut off after {file.tell()} of {total} bytes; try again')


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
