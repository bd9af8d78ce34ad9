"""What checkpoints say that they have learned from."""

from pathlib import Path

import pytest
from mmpretrain.datasets import KFoldDataset

from mmdualkd.datasets.learned import training_samples


def files(text):
    return [sample.file for sample in training_samples(text)]


def test_a_checkpoint_tells_what_it_learned_from_in_any_wrapper_or_spelling(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'root').mkdir()
    (tmp_path / 'root' / 'train.txt').write_text('a b.avi 0\nc.avi 1\n')
    clips = "dict(ann_file='train.txt', data_root='root', data_prefix={prefix})"
    for prefix in ("dict(video='videos')", "{'img_path': 'videos'}", "'videos'"):
        text = f"x = 1\ntrain_dataloader = dict(dataset=dict(datasets=[{clips.format(prefix=prefix)}, dict(type='a')]))"
        assert files(text) == ['root/videos/a b.avi', 'root/videos/c.avi']
    assert files(f'val_dataloader = dict(dataset={clips.format(prefix=None)})') == []
    (tmp_path / 'frames.txt').write_text('a b 0 40 0\na b 40 12 1\n')
    frames = "type='RawframeDataset', ann_file='frames.txt', data_prefix=dict(img='f')"
    cfg = f'train_dataloader = dict(dataset=dict({frames}, with_offset=True))'
    assert [(one.file, one.cut) for one in training_samples(cfg)] == [
        ('f/a b', (0, 40)),
        ('f/a b', (40, 12)),
    ]


def test_of_a_fold_and_of_indices_only_that_part_was_learned(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'all.txt').write_text(''.join(f'{number}.png {number % 2}\n' for number in range(10)))
    whole = dict(
        type='mmpretrain.CustomDataset', data_prefix=str(tmp_path), ann_file=str(tmp_path / 'all.txt'), pipeline=[]
    )
    for seed in (None, 3):
        fold = dict(type='KFoldDataset', dataset=whole, fold=1, num_splits=3, seed=seed)
        cfg = f'train_dataloader = dict(dataset=dict(type="RepeatDataset", times=2, dataset={fold}))'
        dataset = KFoldDataset(whole, fold=1, num_splits=3, seed=seed)
        assert files(cfg) == [dataset.get_data_info(index)['img_path'] for index in range(len(dataset))] != []
    for indices, left in ((2, ['0', '1']), ([3, 1], ['3', '1'])):
        found = files(f'train_dataloader = dict(dataset={dict(whole, indices=indices)})')
        assert [Path(file).stem for file in found] == left


@pytest.mark.parametrize(
    'text',
    [
        "train_dataloader = dict(dataset=dict(ann_file='gone.txt'))",
        "train_dataloader = dict(dataset=dict(ann_file='s3://clips/train.txt'))",
        "train_dataloader = dict(dataset=dict(type='RawframeDataset', ann_file='http://a/train.txt'))",
        "train_dataloader = __import__('os').mkdir('run')",
        "train_dataloader = dict(dataset=dict(ann_file=open('run', 'w').name))",
        'train_dataloader = [dict(',
        'train_dataloader.dataset = 1',
        'x = 1',
        None,
        3,
    ],
)
def test_of_a_config_that_tells_nothing_nothing_is_told_and_nothing_is_run(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert files(text) == [] and not list(tmp_path.iterdir())
