"""tools/cache_teachers.py: what it writes, and what it does when it is stopped or asked for something wrong."""

import errno
import json
import re
import shutil
import sys

import numpy as np
import pytest
import torch
from cache_jobs import TWO, bytes_of, leaf, losses_of, same_weights, train, write_cache
from helpers import TOOLS, call, process, run_in_two, shown_by

from mmdualkd.cache import writing
from mmdualkd.processes import locked

F32 = ('--dtype', 'float32')


@pytest.fixture
def write(monkeypatch, capsys):
    """Runs the tool in this process, with files of three records; gives what it prints."""
    monkeypatch.setattr(writing, 'SHARD_ROWS', 3)

    def run_tool(job, out, *options, more=()):
        try:
            call('cache_teachers.py', job.config, *more, '--out', out, *options)
        finally:
            printed = capsys.readouterr()
        return printed.out + printed.err

    return run_tool


@pytest.fixture(scope='module')
def whole(job, tmp_path_factory):
    """The files of two views, three records a file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, 'SHARD_ROWS', 3)
        out = tmp_path_factory.mktemp('whole') / 'cache'
        call('cache_teachers.py', job.config, '--out', out, '--views', 2, *F32)
    return out


def test_it_holds_what_the_terms_read_and_no_more(job, whole, write, tmp_path):
    def values(out):
        return [
            f'{v["reading"]["what"]} of {v["reading"]["teacher"]}'
            for v in json.loads((out / 'manifest.json').read_text())['values']
        ]

    assert values(whole) == ['logits of vit', 'logits of cnn', 'cells of vit', 'cells of cnn', 'pooled of vit']
    write(
        leaf(job, tmp_path, "model = dict(terms=dict(kd=dict(type='FusedKD', teachers=['cnn'])))"),
        tmp_path / 'c',
        '--views',
        1,
    )
    assert values(tmp_path / 'c') == ['logits of cnn']
    assert len(bytes_of(whole)) == 6 and len(bytes_of(tmp_path / 'c')) == 3


def test_records_do_not_depend_on_workers_or_batches_or_on_how_often_it_was_stopped(
    job, whole, write, tmp_path, monkeypatch
):
    add, calls = writing.ShardWriter.add, []

    def add_or_stop(self, *args):
        calls.append(1)
        if len(calls) in (2, 5):
            raise KeyboardInterrupt
        add(self, *args)

    monkeypatch.setattr(writing.ShardWriter, 'add', add_or_stop)
    for _ in range(2):
        with pytest.raises(SystemExit, match='130'):
            write(job, tmp_path / 'c', '--views', 2, *F32)
    output = write(job, tmp_path / 'c', '--views', 2, *F32, '--cfg-options', 'train_dataloader.num_workers=2')
    assert re.search(r'8 samples x 2 views: \d records of', output)
    assert close(tmp_path / 'c', whole)
    assert ' 0 records of' in write(job, tmp_path / 'c', '--views', 2, *F32)


def close(one, other):
    """Whether two caches hold the same, to the rounding that other batches make."""
    for name in bytes_of(other):
        ours, theirs = np.load(one / name), np.load(other / name)
        for field in ours.dtype.names[1:]:
            np.testing.assert_allclose(ours[field], theirs[field], rtol=1e-5, atol=1e-5)
    return bytes_of(one).keys() == bytes_of(other).keys()


def test_a_kill_leaves_what_the_same_command_completes(job, tmp_path):
    code = (
        'import os, sys, runpy; from mmdualkd.cache import writing; writing.SHARD_ROWS = 3\n'
        'put = writing.ShardWriter._put\n'
        'def put_or_die(self, record, row):\n'
        '    put(self, record, row)\n'
        '    if row == 10: os.kill(os.getpid(), 9)\n'
        'writing.ShardWriter._put = put_or_die\n'
        f'sys.argv[1:] = {[str(job.config), "--out", str(tmp_path / "c"), "--views", "2"]!r}\n'
        f'runpy.run_path({str(TOOLS / "cache_teachers.py")!r}, run_name="__main__")\n'
    )
    assert process(sys.executable, '-c', code).returncode == -9
    assert len(bytes_of(tmp_path / 'c')) == 4  # 11 rows: 3, 3, 2 and 3
    error = train(job, tmp_path / 'run', f'model.teacher_cache={tmp_path / "c"}', ok=False).strip().splitlines()[-1]
    assert 'is not whole: its writing was stopped; mmdualkd cache CONFIG --out' in error and '--views N ' in error
    assert '8 samples x 2 views: 5 records of' in write_cache(job, tmp_path / 'c', '--views', 2)
    train(job, tmp_path / 'run', f'model.teacher_cache={tmp_path / "c"}')


def test_more_views_add_to_it(job, whole, write, tmp_path):
    cache = shutil.copytree(whole, tmp_path / 'c')
    assert '8 samples x 3 views: 8 records of' in write(job, cache, '--views', 3, *F32)
    assert bytes_of(whole).items() <= bytes_of(cache).items()
    assert ' 0 records of' in write(job, cache, '--views', 1, *F32)
    train(job, tmp_path / 'a', TWO, f'model.teacher_cache={cache}')
    train(job, tmp_path / 'b', TWO)
    assert losses_of(tmp_path / 'a') == pytest.approx(losses_of(tmp_path / 'b'), rel=1e-5)


def test_several_configs_share_one(job, tmp_path, write):
    maps = leaf(job, tmp_path, "model = dict(terms=dict(sdd=dict(residual='class_maps')))")
    output = write(job, tmp_path / 'c', '--views', 2, *F32, more=[maps.config])
    for number, one in enumerate((job, maps)):
        train(one, tmp_path / f'{number}', f'model.teacher_cache={tmp_path / "c"}')
        train(one, tmp_path / f'{number}online', TWO)
        assert losses_of(tmp_path / f'{number}') == pytest.approx(losses_of(tmp_path / f'{number}online'), rel=1e-5)
    assert 'Train with --cfg-options model.teacher_cache=' in output


def test_of_several_configs_the_error_names_the_one_that_is_wrong(job, tmp_path, write):
    wrong = leaf(job, tmp_path, "model = dict(terms=dict(sdd=dict(residual='maps')))")
    with pytest.raises(SystemExit, match=rf"^ConfigError: {wrong.config}: .*residual.*'maps'"):
        write(job, tmp_path / 'c', '--views', 2, more=[wrong.config])


def test_a_full_disk_is_said_before_and_in_the_middle_and_loses_nothing(job, whole, write, tmp_path, monkeypatch):
    with (
        monkeypatch.context() as patch,
        pytest.raises(SystemExit, match=r'CacheError: --out=.*: \S+ KB are to be written, 1.0 KB'),
    ):
        patch.setattr(writing.shutil, 'disk_usage', lambda folder: shutil._ntuple_diskusage(1, 1, 1000))
        write(job, tmp_path / 'c', '--views', 2, *F32)

    def full(file, *args, **kwargs):
        file.write(b'half')
        raise OSError(errno.ENOSPC, 'No space left on device')

    with monkeypatch.context() as patch, pytest.raises(SystemExit, match='cannot be written: No space left on device'):
        patch.setattr(writing.np, 'save', full)
        write(job, tmp_path / 'c', '--views', 2, *F32)
    assert not bytes_of(tmp_path / 'c')
    write(job, tmp_path / 'c', '--views', 2, *F32)
    assert close(tmp_path / 'c', whole)
    assert not list((tmp_path / 'c').glob('*part'))


def test_a_second_job_is_told_to_wait(job, write, tmp_path):
    (tmp_path / 'c').mkdir()
    with locked(tmp_path / 'c'), pytest.raises(SystemExit, match="--out='.*/c': another command is working there"):
        write(job, tmp_path / 'c', '--views', 2)
    write(job, tmp_path / 'c', '--views', 2)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ([], r'--views is needed, for train_dataloader\.dataset\.num_views is None'),
        (['--views', '0'], r'must be a whole number from 1'),
        (['--views', '2', '--dtype', 'int8'], r"invalid choice: 'int8'"),
        (['--views', '2', '--cfg-options', 'model.blending.type=MixupBlending'], r'model\.blending do not go together'),
        (['--views', '2', '--cfg-options', 'model.teachers.vit.checkpoint=no.pth'], r"there is no file 'no\.pth'"),
        (['--views', '2', '--cfg-options', 'train_dataloader.dataset.ann_file=no.txt'], r'there is no such file'),
        (['--views', '2', '--launcher', 'pytorch'], r'RANK is not set'),
        (
            ['--views', '2', '--cfg-options', 'train_dataloader.dataset.type=mmaction.VideoDataset'],
            r'needs a data set of',
        ),
    ],
)
def test_a_mistake_is_one_clear_error(job, tmp_path, options, message):
    assert re.search(message, write_cache(job, tmp_path / 'c', *options, ok=False).strip().splitlines()[-1])
    assert not bytes_of(tmp_path / 'c')


def test_a_folder_of_something_else_is_left_alone(job, whole, write, tmp_path):
    (tmp_path / 'mine').mkdir()
    (tmp_path / 'mine' / 'thesis.txt').write_text('x')
    with pytest.raises(SystemExit, match=r'is no cache and not empty \(it has thesis\.txt\)'):
        write(job, tmp_path / 'mine', '--views', 2)
    cache = shutil.copytree(whole, tmp_path / 'c')
    for options, message in (
        (['--dtype', 'float16'], r"holds a cache of something else: cache\.dtype 'float32' there, 'float16' here"),
        ([*F32, '--amp'], r'cache\.amp not set there'),
        (
            [*F32, '--cfg-options', 'model.terms.sdd.residual=class_maps'],
            r'holds a cache without the class_maps of vit',
        ),
        ([*F32, '--cfg-options', 'train_dataloader.dataset.view_seed=4'], r'view_seed 0 there, 4 here'),
    ):
        with pytest.raises(SystemExit, match=message):
            write(job, cache, '--views', 2, *options)
    assert bytes_of(cache) == bytes_of(whole)


@pytest.mark.parametrize(
    ('source', 'message'),
    [
        (
            'model = dict(views=dict(vit=dict(frame_interval=1)))',
            r'shares no cache with .*frame_interval 2 there, 1 here',
        ),
        (
            'model = dict(views=dict(student=dict(frame_interval=3)))',
            'shares no cache with .*: of sample 0 the teachers would',
        ),
        ('train_dataloader = dict(dataset=dict(ann_file={!r}))', 'which is of other samples: sample 0 is '),
        ('train_dataloader = dict(dataset=dict(num_views=5))', r'num_views=5, but --views=2 is less'),
    ],
)
def test_configs_of_other_teachers_or_data_share_none(job, write, tmp_path, source, message):
    lines = next((job.config.parent / 'clips').glob('*.txt')).read_text().splitlines()
    (tmp_path / 'turned.txt').write_text('\n'.join(reversed(lines)))
    other = leaf(job, tmp_path, source.format(str(tmp_path / 'turned.txt')))
    with pytest.raises(SystemExit, match=rf'leaf\.py.*{message}'):
        write(job, tmp_path / 'c', '--views', 2, more=[other.config])
    assert not bytes_of(tmp_path / 'c')


def test_views_whose_frames_would_be_others_are_not_added(job, whole, write, tmp_path):
    cache = shutil.copytree(whole, tmp_path / 'c')
    other = ('--cfg-options', 'model.terms.kd.type=FusedKD', 'model.views.student.frame_interval=3')
    with pytest.raises(SystemExit, match='cannot go on: of sample 0 the teachers would be shown something else'):
        write(job, cache, '--views', 3, *F32, *other)
    assert bytes_of(cache) == bytes_of(whole)


def test_values_beyond_float16_are_refused_by_name(job, write, tmp_path):
    state = torch.load(job.config.parent / 'cnn.pth')
    state['cls_head.fc_cls.bias'][0] = 1e6
    torch.save(state, tmp_path / 'large.pth')
    options = ['--views', 1, '--cfg-options', f'model.teachers.cnn.checkpoint={tmp_path / "large.pth"}']
    with pytest.raises(
        SystemExit, match=r'the logits of cnn are not all finite float16; write with --dtype float32 \(of'
    ):
        write(job, tmp_path / 'c', *options)
    write(job, tmp_path / 'c32', *F32, *options)


def test_two_processes_write_what_one_does(job, whole, tmp_path):
    run_in_two(TOOLS / 'cache_teachers.py', job.config, '--out', tmp_path / 'c', '--views', 3, *F32)
    write_cache(job, tmp_path / 'one', '--views', 3, *F32)
    assert close(tmp_path / 'c', tmp_path / 'one')


def test_with_amp_the_teachers_run_in_it(job, tmp_path):
    write_cache(job, tmp_path / 'amp', '--views', 1, *F32, '--amp')
    write_cache(job, tmp_path / 'not', '--views', 1, *F32)
    with pytest.raises(AssertionError):
        close(tmp_path / 'amp', tmp_path / 'not')
    logits = [np.load(tmp_path / name / 'view0000-00000.npy')['value0'] for name in ('amp', 'not')]
    np.testing.assert_allclose(*logits, atol=0.05)


def test_a_video_that_does_not_decode_stays_failed_with_the_same_one_in_its_place(job, tmp_path):
    clips = shutil.copytree(job.config.parent / 'clips', tmp_path / 'clips')
    names = [line.split()[0] for line in next(clips.glob('*.txt')).read_text().splitlines()]
    (clips / names[1]).write_bytes((clips / names[1]).read_bytes()[:300])
    (clips / names[6]).write_bytes(b'')
    options = [
        f'train_dataloader.dataset.ann_file={next(clips.glob("*.txt"))}',
        f'train_dataloader.dataset.data_prefix.video={clips}',
    ]
    output = write_cache(job, tmp_path / 'c', '--views', 2, *F32, '--cfg-options', *options)
    assert 'the cache: 2 of 8 videos' in output and names[1] in output
    cached = train(job, tmp_path / 'a', *options, f'model.teacher_cache={tmp_path / "c"}')
    train(job, tmp_path / 'b', *options, TWO)
    assert same_weights(tmp_path / 'a', tmp_path / 'b')
    assert re.search(rf'train epoch 1: 2 of 8 videos .*{names[1]}', cached)


def test_a_terminal_shows_progress_and_time_left(job, tmp_path):
    assert '16/16' in shown_by(TOOLS / 'cache_teachers.py', job.config, '--out', tmp_path / 'c', '--views', 2)
