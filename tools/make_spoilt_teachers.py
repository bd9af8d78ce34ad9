"""Spoils the demo's ViT teacher for robustness.py, into work_dirs/spoilt:

    python tools/make_spoilt_teachers.py

permuted.pth answers with the next class, as surely as before: it is right only where the teacher named the class before
the right one. random.pth is initialised as for a training, and knows nothing; noisy.pth has noise on all its weights.
"""

import argparse
from pathlib import Path

import mmdualkd  # noqa: F401  (first: it mends the stack)

# isort: split
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmdualkd.checkpoint import model_state_dict, read_checkpoint, write_checkpoint
from mmdualkd.files import check_folder
from mmdualkd.launch import run_tool

DEMO = Path(__file__).resolve().parents[1] / 'configs' / 'demo'
OUT = Path('work_dirs/spoilt')
HEAD = 'cls_head.fc_cls.'
NOISE = 2.0  # of each tensor's own spread


def parse_args() -> argparse.Namespace:
    """Reads the command line, which has no flags but --help."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    return parser.parse_args()


def main() -> None:
    """Writes the three."""
    parse_args()
    check_folder('folder of the spoilt teachers', OUT)
    init_default_scope('mmaction')
    torch.manual_seed(0)
    state = model_state_dict(read_checkpoint(DEMO / 'teacher_vit.pth', 'checkpoint'))
    model = MODELS.build(Config.fromfile(DEMO / 'teacher_vit.py').model)
    model.init_weights()
    spoilt = dict(
        permuted={name: value.roll(1, 0) if name.startswith(HEAD) else value for name, value in state.items()},
        random=model.state_dict(),
        noisy={
            name: value + NOISE * value.float().std() * torch.randn(value.shape) if value.dim() > 1 else value
            for name, value in state.items()
        },
    )
    for name, tensors in spoilt.items():
        write_checkpoint(dict(state_dict=tensors), OUT / f'{name}.pth')
        print(OUT / f'{name}.pth')


if __name__ == '__main__':
    run_tool(main)
