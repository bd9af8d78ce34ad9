"""Files behind http(s) addresses."""

import hashlib
import os
import re
import urllib.error
from pathlib import Path
from urllib.parse import urlparse

import torch
from mmengine.dist import barrier, get_rank
from mmengine.logging import print_log

from ..errors import CheckpointError


def download(address: str, key: str) -> Path:
    """Downloads a file with a progress bar, once: it stays in ``checkpoints`` of torch's cache (``TORCH_HOME``).

    In a distributed job the first process of each machine downloads while the others wait.

    Args:
        address: The http(s) address.
        key: The config key that holds it, for errors.

    Returns:
        The file in the cache. Its name is that of the address; a name without OpenMMLab's hash of the content, which
        another address may share, gets a hash of the address.

    Raises:
        CheckpointError: If the address cannot be read.
    """
    name = Path(urlparse(address).path)
    stem = name.stem
    if not re.search(r'[-_][0-9a-f]{8,}$', stem):
        stem = f'{stem}-{hashlib.sha256(address.encode()).hexdigest()[:8]}'
    path = Path(torch.hub.get_dir()) / 'checkpoints' / f'{stem}{name.suffix}'
    first = int(os.environ.get('LOCAL_RANK', get_rank())) == 0
    try:
        if first:
            _fetch(address, path, key)
    finally:
        barrier()
    if not first:
        _fetch(address, path, key)
    return path


def _fetch(address: str, path: Path, key: str) -> None:
    """Downloads a file unless it is there."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    print_log(f'{key}: downloading {address} to {path}', logger='current')
    try:
        torch.hub.download_url_to_file(address, str(path), progress=True)
    except (urllib.error.URLError, OSError) as error:
        raise CheckpointError(f'{key}={address!r} cannot be downloaded: {error}') from error
