"""A cache of anything else, or damaged, is one clear error before training, or works; never wrong targets."""

import re
import shutil

import pytest
import torch
from cache_jobs import TWO, bytes_of, error_of, flip_a_bit, leaf, losses_of, same_weights, train, write_cache
from helpers import TOOLS, run_in_two


@pytest.fixture
def moved(cache, tmp_path):
    """A copy of its own."""
    return shutil.copytree(cache, tmp_path / 'moved')


@pytest.mark.parametrize(
    ('option', 'message'),
    [
        (
            'model.teachers.vit.config.backbone.norm_eval=True',
            r'is of another teacher than model\.teachers\.vit: model\.backbone\.norm_eval False there, True here',
        ),
        (
            'model.views.vit.frame_interval=1',
            r'is of another teacher than model\.teachers\.vit: view\.frame_interval 2 there, 1 here',
        ),
        ('model.views.cnn.size=20', r'model\.teachers\.cnn: view\.size 24 there, 20 here'),
        ('model.num_classes=3', r'model\.teachers\.vit: model\.cls_head\.num_classes 2 there, 3 here'),
        (
            'train_dataloader.dataset.pipeline.3.size=20',
            r'is of other training data .*: dataset\.pipeline\.3\.size 24 there, 20 here',
        ),
        ('train_dataloader.dataset.start_index=1', r'dataset\.start_index not set there, 1 here'),
        ('train_dataloader.dataset.view_seed=1', r'view_seed 0 there, 1 here'),
        ('train_dataloader.dataset.metainfo.classes=[a,b]', r"classes\.0 not set there, 'a' here"),
        (
            'train_dataloader.dataset.num_views=3',
            r'holds 2 views of each sample, .*num_views=3 asks for more; .*--views 3 --dtype float32 adds',
        ),
        (
            'model.terms.sdd.residual=class_maps',
            r'does not hold all that model\.terms read: class_maps of vit on a grid of 1 x 1 x 1.*, class_maps of cnn.*'
            r'mmdualkd cache CONFIG --out \S+-more --views 2',
        ),
        (
            'model.terms.sdd.grid=[1,2,2]',
            r'is finer than the finest|does not hold all .*: cells of vit on a grid of 1 x 2 x 2',
        ),
        ('model.blending.type=MixupBlending', r'model\.teacher_cache and model\.blending do not go together: mixup'),
        ('model.assistant.teacher=cnn', r'model\.teacher_cache and model\.assistant do not go together: an assistant'),
        ('train_dataloader.dataset.type=mmaction.VideoDataset', r'a cache of teachers needs a data set of mmdualkd'),
        ('custom_hooks.2.type=mmdualkd.CorruptVideoHook', r'model\.teacher_cache needs mmdualkd\.EpochSeedHook'),
        ('custom_hooks.1.type=mmdualkd.CorruptVideoHook', r'mmdualkd\.PreflightHook'),
    ],
)
def test_what_differs_is_named_in_one_line(job, cache, tmp_path, option, message):
    error = error_of(job, tmp_path, f'model.teacher_cache={cache}', option)
    assert re.search(message, error), error


def test_other_weights_are_found_by_their_hash(job, cache, tmp_path):
    state = torch.load(job.config.parent / 'vit.pth')
    state['cls_head.fc_cls.bias'][0] += 1e-6
    torch.save(state, tmp_path / 'other.pth')
    options = [f'model.teacher_cache={cache}', f'model.teachers.vit.checkpoint={tmp_path / "other.pth"}']
    assert 'is of other weights than model.teachers.vit.checkpoint' in error_of(job, tmp_path / 'run', *options)


def test_weights_that_are_not_here_are_taken_at_the_caches_word_and_the_log_says_so(job, cache, tmp_path):
    options = [f'model.teacher_cache={cache}', 'model.teachers.vit.checkpoint=gone.pth']
    output = train(job, tmp_path, *options)
    assert "model.teachers.vit.checkpoint='gone.pth' is not here: that model.teacher_cache=" in output


@pytest.mark.parametrize('change', ['order', 'fewer', 'bytes'])
def test_other_samples_are_named(job, cache, tmp_path, change):
    folder = job.config.parent / 'clips'
    lines = next(folder.glob('*.txt')).read_text().splitlines()
    clips = shutil.copytree(folder, tmp_path / 'clips')
    lines = dict(
        order=[lines[1], lines[0], *lines[2:]],
        fewer=lines[:-1],
        bytes=lines,
    )[change]
    if change == 'bytes':
        with (clips / lines[2].split()[0]).open('ab') as file:
            file.write(b'x')
    (tmp_path / 'clips' / 'other.txt').write_text('\n'.join(lines))
    options = [
        f'model.teacher_cache={cache}',
        f'train_dataloader.dataset.ann_file={clips / "other.txt"}',
        f'train_dataloader.dataset.data_prefix.video={clips}',
    ]
    error = error_of(job, tmp_path / 'run', *options)
    expected = dict(order='sample 0 is', fewer='is of 8 samples, train', bytes='sample 2 is')
    assert expected[change] in error, error


def test_the_same_samples_in_another_folder_are_the_same(job, cache, tmp_path):
    clips = shutil.copytree(job.config.parent / 'clips', tmp_path / 'clips')
    name = next(clips.glob('*.txt'))
    options = [f'train_dataloader.dataset.ann_file={name}', f'train_dataloader.dataset.data_prefix.video={clips}']
    train(job, tmp_path / 'a', f'model.teacher_cache={cache}', *options)
    train(job, tmp_path / 'b', TWO)
    assert same_weights(tmp_path / 'a', tmp_path / 'b')


@pytest.mark.parametrize('damage', ['missing', 'cut short', 'empty', 'of another view', 'text'])
def test_a_cache_that_is_not_whole_is_an_error_before_training_and_the_command_mends_it(job, moved, tmp_path, damage):
    whole = bytes_of(moved)
    shard = moved / 'view0001-00000.npy'
    content = dict.fromkeys(['missing']) | {
        'cut short': whole[shard.name][:-10],
        'empty': b'',
        'of another view': whole['view0000-00000.npy'],
        'text': b'x' * len(whole[shard.name]),
    }
    shard.unlink()
    if damage != 'missing':
        shard.write_bytes(content[damage])
    error = error_of(job, tmp_path / 'run', f'model.teacher_cache={moved}')
    assert error.startswith('CacheError: ') and shard.name in error, error
    command = re.search(r'mmdualkd cache CONFIG --out (.*) completes and mends a cache', error)[1]
    assert command == f'{moved} --views 2 --dtype float32'
    write_cache(job, moved, *command.split()[1:])
    assert bytes_of(moved) == whole


def test_a_flipped_bit_of_a_record_ends_training_with_its_file_and_the_command_mends_it(job, moved, tmp_path):
    whole = bytes_of(moved)
    flip_a_bit(moved / 'view0000-00000.npy')
    error = error_of(job, tmp_path / 'run', f'model.teacher_cache={moved}')
    assert 'record 7 of view0000-00000.npy is damaged' in error, error
    output = write_cache(job, moved, '--views', '2', '--dtype', 'float32')
    assert '8 records of' in output  # of one file of two
    assert bytes_of(moved) == whole


@pytest.mark.parametrize('name', ['manifest.json', 'samples.json'])
@pytest.mark.parametrize('damage', ['missing', 'flipped', 'cut short'])
def test_a_damaged_manifest_or_list_of_samples_is_an_error(job, moved, tmp_path, name, damage):
    path = moved / name
    if damage == 'missing':
        path.unlink()
    elif damage == 'flipped':
        flip_a_bit(path, path.read_bytes().index(b'1'))
    else:
        path.write_bytes(path.read_bytes()[:-20])
    error = error_of(job, tmp_path / 'run', f'model.teacher_cache={moved}')
    assert error.startswith('CacheError: ') and name in error, error


@pytest.mark.parametrize(
    ('folder', 'message'),
    [('', 'names|path of a folder'), ('nowhere', 'is no cache of teachers'), ('[1]', 'path of a folder')],
)
def test_what_is_no_cache_is_an_error(job, tmp_path, folder, message):
    error = error_of(job, tmp_path, f'model.teacher_cache={folder}')
    assert re.search(message, error), error


def test_two_processes_read_a_cache_that_they_cannot_write(job, moved, tmp_path):
    for path in moved.glob('*'):
        path.chmod(0o444)
    moved.chmod(0o555)
    source = "env_cfg = dict(dist_cfg=dict(backend='gloo'))"
    words = [leaf(job, tmp_path, source).config, '--no-validate', '--cfg-options', 'train_dataloader.batch_size=2']
    for name, option in dict(online=TWO, cached=f'model.teacher_cache={moved}').items():
        run_in_two(TOOLS / 'train.py', *words, option, f'work_dir={tmp_path / name}')
    assert losses_of(tmp_path / 'cached') == pytest.approx(losses_of(tmp_path / 'online'), rel=1e-5)
