"""Exports a trained student as a plain checkpoint and config of MMAction2 or MMPretrain; nothing of mmdualkd is left.

Examples:
    python tools/export_student.py work_dirs/CONFIG
    python tools/export_student.py work_dirs/CONFIG/epoch_50.pth --out exported --onnx
"""

import argparse
import importlib.util
import shlex
from pathlib import Path

import mmdualkd  # noqa: F401  (first: it mends the stack)
from mmdualkd.checkpoint import find_checkpoint, save_student, training_config
from mmdualkd.cli.tools import add_export_arguments
from mmdualkd.export import load_student, stock_config
from mmdualkd.export_onnx import export_onnx
from mmdualkd.files import check_folder, replacing
from mmdualkd.launch import run_tool
from mmdualkd.registry import SCOPE

# The README has the same two lines.
DRN = """drn=$(python -c 'import mmaction; print(mmaction.__path__[0])')/models/localizers/drn
mkdir "$drn" && echo 'DRN = None' > "$drn/drn.py\""""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Export a student for plain MMAction2 or MMPretrain.')
    add_export_arguments(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    source = find_checkpoint(args.source)
    cfg, remarks = stock_config(training_config(source))
    out = args.out or source.parent / 'export'
    check_folder('--out', out)
    load_student(cfg, source)  # before anything is written
    save_student(source, out / 'student.pth')
    with replacing(out / 'student.py') as part:
        part.write_text(cfg.pretty_text, encoding='utf-8')
    print(f'{source} -> {out / "student.pth"}, {out / "student.py"}')
    for remark in remarks:
        print(f'note: {remark}')
    if args.onnx:
        difference, remarks = export_onnx(cfg, out / 'student.pth', out / 'student.onnx')
        print(f'{out / "student.onnx"}: largest difference between onnxruntime and PyTorch {difference:.3g}')
        for remark in remarks:
            print(f'note: {out / "student.onnx"}: {remark}')
    elif (out / 'student.onnx').exists():
        print(f'note: {out / "student.onnx"} is of an earlier export: --onnx writes it anew')
    package = dict(mmaction='MMAction2', mmpretrain='MMPretrain').get(cfg.get('default_scope'), 'OpenMMLab')
    tool = 'test it with plain {}: python tools/test.py' if 'test_dataloader' in cfg else 'plain {} loads it:'
    print(f'{tool.format(package)} {shlex.join([str(out / "student.py"), str(out / "student.pth")])}')
    drn = Path(importlib.util.find_spec('mmaction').origin).parent / 'models' / 'localizers' / 'drn'
    if package == 'MMAction2' and not drn.is_dir():
        print(f'its wheel lacks a folder; without {SCOPE} installed, make it once where the student is served:\n{DRN}')


if __name__ == '__main__':
    run_tool(main)
