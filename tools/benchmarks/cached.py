"""A distiller that reads its teachers from a cache, which the tool writes for some generated videos."""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import mmdualkd  # noqa: F401  (first: it mends the stack)

# isort: split
import torch
from mmengine.config import Config
from mmengine.registry import MODELS
from random_models import with_random_weights
from torch import Tensor, nn
from videos import write_videos

from mmdualkd.cache import TeacherCache

TOOL = Path(__file__).resolve().parents[1] / 'cache_teachers.py'


def cached_distiller(cfg: Config, count: int, device: str) -> tuple[nn.Module, Tensor]:
    """Writes a cache of ``count`` videos as a user does, and builds the distiller that reads it.

    Args:
        cfg: A distillation's config.
        count: Clips.
        device: Where the model goes.

    Returns:
        The distiller in training mode, its student's weights random, and the clips' records, (count, bytes).
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        cfg.model = with_random_weights(cfg.model, folder)
        paths = write_videos(folder, count)
        (folder / 'train.txt').write_text(''.join(f'{path.name} 0\n' for path in paths))
        data = dict(data_root=None, ann_file=str(folder / 'train.txt'), data_prefix=dict(video=str(folder)))
        cfg.train_dataloader.dataset.update(data)
        cfg.train_dataloader.update(num_workers=0, persistent_workers=False, batch_size=count)
        cfg.dump(folder / 'config.py')
        words = [sys.executable, TOOL, folder / 'config.py', '--out', folder / 'cache', '--views', '1']
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise RuntimeError(f'{TOOL.name} ended with {done.returncode}:\n{done.stdout[-3000:]}')
        cache = TeacherCache(folder / 'cache')
        rows = [torch.frombuffer(bytearray(cache.read(row).tobytes()), dtype=torch.uint8) for row in range(count)]
        model = MODELS.build({**cfg.model, 'teacher_cache': str(folder / 'cache')})
    return model.to(device).train(), torch.stack(rows).to(device)
