"""What checkpoints say that they have learned from."""

import pytest

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


@pytest.mark.parametrize(
    'text',
    [
        "train_dataloader = dict(dataset=dict(ann_file='gone.txt'))",
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
