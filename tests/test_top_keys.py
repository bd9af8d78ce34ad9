"""What stands once at the top of a leaf reaches models, heads, data sets and evaluators."""

import functools
from pathlib import Path

import pytest
from helpers import ROOT
from jobs import stock_job
from leaves import DISTILLATION, load, refused, write_leaf

CONFIGS = ROOT / 'configs'
HMDB51 = next((CONFIGS / 'baselines' / 'hmdb51').glob('x3d-s_*.py'))
KINETICS = next((CONFIGS / 'baselines' / 'kinetics400').glob('x3d-s_*.py'))
WEIZMANN = next((CONFIGS / 'baselines' / 'weizmann').glob('*fold2*.py'))
CIFAR100 = next((CONFIGS / 'teachers' / 'cifar100').glob('*.py'))


@pytest.fixture
def leaf(tmp_path):
    """Writes a leaf on the demo's distillation, or another config; gives its path."""
    return functools.partial(write_leaf, tmp_path)


# The number of classes


def classes(cfg):
    """Top, model and data sets of the demo."""
    own = cfg.model.num_classes if 'student' in cfg.model else cfg.model.cls_head.num_classes
    return {cfg.num_classes, own, *(cfg[f'{split}_dataloader'].dataset.num_classes for split in ('train', 'val'))}


@pytest.mark.parametrize('base', ['student_distilled.py', 'student_alone.py', 'teacher_vit.py'])
def test_num_classes_at_the_top_of_a_leaf_reaches_model_and_data_sets(base, leaf):
    base = CONFIGS / 'demo' / base
    assert classes(load(base)) == {10}
    first = leaf('num_classes = 12', base)
    assert classes(load(first)) == {12}
    second = leaf('', first, 'second.py')  # a leaf on the leaf
    assert classes(load(second)) == {12}
    assert classes(load(base, '--cfg-options', 'num_classes=7')) == {7}
    assert classes(load(second, '--cfg-options', 'num_classes=7')) == {7}


def test_num_classes_reaches_each_of_several_data_sets(leaf):
    several = """
train_dataloader = dict(dataset=dict(
    _delete_=True, type='ConcatDataset', datasets=[dict(_base_.train_dataloader.dataset)] * 2))
"""
    cfg = load(leaf('num_classes = 7', leaf(several, name='several.py')))
    assert [part.num_classes for part in cfg.train_dataloader.dataset.datasets] == [7, 7]


def test_num_classes_of_the_model_alone_is_meant_as_well(leaf):
    assert classes(load(leaf('model = dict(num_classes=12)'))) == {12}
    assert classes(load(DISTILLATION, '--cfg-options', 'model.num_classes=7')) == {7}


def test_two_numbers_of_classes_in_one_file_are_refused(leaf):
    message = refused(leaf('num_classes = 12\nmodel = dict(num_classes=7)'))
    assert message == 'num_classes=12 at the top of the config, but 7 in its model: write one of the two'


def test_the_head_of_a_stock_job_follows(leaf, tmp_path):
    job = stock_job(tmp_path)
    assert load(job.config).model.cls_head.num_classes == 2
    assert load(leaf('num_classes = 3', job.config)).model.cls_head.num_classes == 3


def test_picture_classifiers_follow_and_evaluators(leaf):
    metric = "val_evaluator = [dict(type='Accuracy'), dict(type='ConfusionMatrix', num_classes=100)]"
    cfg = load(leaf(f'num_classes = 12\n{metric}', CIFAR100))
    assert {cfg.num_classes, cfg.model.head.num_classes, cfg.val_evaluator[1].num_classes} == {12}


# Where the data lie


def data(cfg):
    """Annotation file and folder of each split's data set."""
    found = []
    for split in ('train', 'val', 'test'):
        dataset = cfg[f'{split}_dataloader'].dataset
        while 'dataset' in dataset:
            dataset = dataset.dataset
        found.append((dataset.ann_file.rpartition('/')[2], dataset.data_prefix.video.rpartition('/')[2]))
    return found


MINE = "ann_file_train = 'a/mine.txt'"
OF_HMDB51 = ('hmdb51_train_split_1_videos.txt', 'hmdb51_val_split_1_videos.txt')


def test_data_paths_at_the_top_of_a_leaf_reach_the_loaders_of_every_data_set(leaf):
    assert data(load(HMDB51)) == [(OF_HMDB51[0], 'videos'), (OF_HMDB51[1], 'videos'), (OF_HMDB51[1], 'videos')]
    assert data(load(leaf(MINE, HMDB51))) == [
        ('mine.txt', 'videos'),
        (OF_HMDB51[1], 'videos'),
        (OF_HMDB51[1], 'videos'),
    ]
    both = "ann_file_val = 'v.txt'\ndata_prefix = dict(video='x')"
    assert data(load(leaf(both, HMDB51))) == [(OF_HMDB51[0], 'x'), ('v.txt', 'x'), ('v.txt', 'x')]
    apart = "data_prefix_train = dict(video='t')\ndata_prefix_val = dict(video='v')\nann_file_test = 'e.txt'"
    assert data(load(leaf(apart, KINETICS))) == [
        ('kinetics400_train_list_videos.txt', 't'),
        ('kinetics400_val_list_videos.txt', 'v'),
        ('e.txt', 'v'),
    ]
    assert data(load(leaf(MINE, WEIZMANN)))[:2] == [('mine.txt', 'weizmann'), ('fold2_val.txt', 'weizmann')]


def test_data_paths_of_the_command_line_reach_the_loaders(leaf):
    options = ('--cfg-options', 'ann_file_val=v.txt', 'data_prefix.video=x y')
    assert data(load(HMDB51, *options)) == [(OF_HMDB51[0], 'x y'), ('v.txt', 'x y'), ('v.txt', 'x y')]
    own = ('--cfg-options', 'train_dataloader.dataset.ann_file=z.txt')
    assert data(load(leaf(MINE, HMDB51), *own))[0] == ('z.txt', 'videos')


def test_data_root_reaches_the_data_sets_root_or_the_folder_of_its_prefix(leaf):
    cfg = load(leaf("data_root = 'clips'"))
    assert [cfg[f'{split}_dataloader'].dataset.data_root for split in ('train', 'val', 'test')] == ['clips'] * 3
    pictures = next((CONFIGS / 'teachers' / 'pictures').glob('*.py'))
    cfg = load(leaf("data_root = 'x'", pictures))
    both = [cfg[f'{split}_dataloader'].dataset for split in ('train', 'val')]
    assert [(dataset.data_root, dataset.data_prefix) for dataset in both] == [('x', 'train'), ('x', 'test')]


def test_wrapped_data_sets_follow_too(leaf):
    wrapped = """
train_dataloader = dict(dataset=dict(
    _delete_=True, type='RepeatDataset', times=2, dataset=dict(_base_.train_dataloader.dataset)))
"""
    first = leaf(wrapped, HMDB51, 'wrapped.py')
    second = leaf(MINE, first)
    assert data(load(first))[0][0] == OF_HMDB51[0] and data(load(second))[0][0] == 'mine.txt'
    assert data(load(leaf(MINE + wrapped, HMDB51)))[0][0] == 'mine.txt'


def test_of_several_data_sets_those_follow_that_had_what_stands_at_the_top(leaf):
    several = """
train_dataloader = dict(dataset=dict(_delete_=True, type='ConcatDataset', datasets=[
    dict(_base_.train_dataloader.dataset),
    dict(type='RepeatDataset', times=2, dataset=dict(
        _base_.train_dataloader.dataset, ann_file='more.txt', data_prefix=dict(video='elsewhere')))]))
"""
    first = leaf(several, HMDB51, 'several.py')
    moved = leaf("data_prefix = dict(video='moved')\nann_file_train = 'mine.txt'", first)

    def parts(*arguments):
        one, more = load(*arguments).train_dataloader.dataset.datasets
        return [(Path(part.ann_file).name, Path(part.data_prefix.video).name) for part in (one, more.dataset)]

    own = ('more.txt', 'elsewhere')
    assert parts(first) == [(OF_HMDB51[0], 'videos'), own]
    assert parts(moved) == [('mine.txt', 'moved'), own]
    assert parts(first, '--cfg-options', 'data_prefix.video=moved', 'ann_file_train=mine.txt') == parts(moved)
    second = ('--cfg-options', 'train_dataloader.dataset.datasets.1.dataset.ann_file=z.txt')
    assert parts(moved, *second) == [('mine.txt', 'moved'), ('z.txt', 'elsewhere')]


def test_what_a_later_leaf_changes_is_meant(leaf):
    first = leaf(MINE, HMDB51, 'first.py')
    assert data(load(leaf('', first)))[0][0] == 'mine.txt'
    own = leaf("train_dataloader = dict(dataset=dict(ann_file='own.txt'))", first, 'own.py')
    assert data(load(own))[0][0] == 'own.txt'
    assert data(load(leaf('', own)))[0][0] == 'own.txt'
    assert data(load(leaf("ann_file_train = 'last.txt'", own)))[0][0] == 'last.txt'


def test_a_dumped_config_follows_as_its_leaf_does(leaf, tmp_path):
    own = leaf("train_dataloader = dict(dataset=dict(ann_file='own.txt'))", HMDB51)
    load(own).dump(tmp_path / 'dump.py')
    assert data(load(tmp_path / 'dump.py')) == data(load(own))
    assert data(load(tmp_path / 'dump.py', '--cfg-options', 'ann_file_train=z.txt'))[0][0] == 'z.txt'


def test_a_file_that_sets_both_to_different_values_is_refused(leaf):
    text = "ann_file_val = 'v.txt'\nval_dataloader = dict(dataset=dict(ann_file='{}'))"
    message = refused(leaf(text.format('w.txt'), HMDB51))
    assert message == (
        "ann_file_val='v.txt' at the top of the config, but 'w.txt' in its val_dataloader.dataset.ann_file: write one "
        'of the two'
    )
    assert data(load(leaf(text.format('v.txt'), HMDB51)))[2][0] == 'v.txt'


def test_a_file_that_computes_with_a_key_means_what_it_computed(leaf):
    text = """
data_root = 'mine'
folder = dict(ann_file=f'{data_root}/train.txt', data_prefix=dict(video=f'{data_root}/videos'))
train_dataloader = dict(dataset=folder)
"""
    assert data(load(leaf(text, HMDB51)))[0] == ('train.txt', 'videos')
    alone = leaf('', HMDB51, 'alone.py')
    load(alone).dump(alone)
    alone.write_text(f'# mine\n{alone.read_text()}'.replace("'data/hmdb51/videos'", "'elsewhere'", 1))
    assert data(load(alone))[1] == (OF_HMDB51[1], 'videos')  # of a file without bases the variables are its own matter
