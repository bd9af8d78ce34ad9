"""The demo's clips: same seed, same pixels; files and annotations that mmaction2 and decord read."""

import decord
import numpy as np
import pytest
from helpers import TOOLS, full_disk, run
from moving_shapes import CLASSES, FRAMES, MOTIONS, SIDE, draw_clip, make_clips, write_video

from mmdualkd.errors import DataError, DistillError


def test_same_seed_gives_the_same_files_and_another_seed_gives_others(tmp_path):
    for name, seed in (('a', 3), ('b', 3), ('c', 4)):
        list(make_clips(tmp_path / name, train=2, test=1, seed=seed))
    for file in ('train/00000.avi', 'train/00001.avi', 'test/00000.avi'):
        a, b, c = ((tmp_path / name / file).read_bytes() for name in 'abc')
        assert a == b
        assert a != c


def test_a_clip_does_not_depend_on_how_many_are_made(tmp_path):
    list(make_clips(tmp_path / 'few', train=1, test=1))
    list(make_clips(tmp_path / 'many', train=12, test=1))
    for file in ('train/00000.avi', 'test/00000.avi'):
        assert (tmp_path / 'few' / file).read_bytes() == (tmp_path / 'many' / file).read_bytes()


def test_decord_reads_what_was_drawn_and_every_class_comes_equally_often(tmp_path):
    assert list(make_clips(tmp_path, train=20, test=10, seed=5)) == list(range(1, 31))
    lines = [line.split() for line in (tmp_path / 'train.txt').read_text().splitlines()]
    assert np.bincount([int(label) for _, label in lines]).tolist() == [2] * len(CLASSES)
    for index, (name, label) in enumerate(lines[:10]):
        frames = decord.VideoReader(str(tmp_path / name)).get_batch(range(FRAMES)).asnumpy()
        drawn = draw_clip(int(label), np.random.default_rng([5, 0, index]))
        assert frames.shape == drawn.shape == (FRAMES, SIDE, SIDE, 3)
        assert np.abs(frames.astype(float) - drawn).mean() < 12  # Motion-JPEG is lossy in colour


@pytest.mark.parametrize('label', range(len(CLASSES)))
def test_the_shape_moves_as_its_class_says_over_a_still_background(label):
    """The centre (and the area) of what differs between neighbouring frames, first and last, over many clips."""
    moves, growths = [], []
    for seed in range(12):
        frames = draw_clip(label, np.random.default_rng([seed, label])).astype(float)
        changes = np.abs(np.diff(frames, axis=0)).sum(-1) > 12
        assert changes.any()
        ys, xs = np.mgrid[:SIDE, :SIDE]
        centres = [(xs[change].mean(), ys[change].mean()) for change in changes[[0, -1]]]
        moves.append(np.subtract(centres[1], centres[0]))
        extent = [xs[change].std() + ys[change].std() for change in changes[[0, -1]]]
        growths.append(extent[1] / extent[0])
        assert (changes.mean(0) == 0).mean() > 0.3  # most of the picture stands still
    move, motion = np.mean(moves, 0), MOTIONS[label % len(MOTIONS)]
    if motion == 'growing':
        assert np.abs(move).max() < 3
        assert np.mean(growths) > 1.3
    else:
        heading = dict(right=(1, 0), down=(0, 1), left=(-1, 0), up=(0, -1))[motion]
        assert np.dot(move, heading) > 8
        assert abs(move @ np.array(heading)[::-1]) < 6


def test_a_folder_that_cannot_be_written_to_and_numbers_below_0_are_named(tmp_path):
    (tmp_path / 'file').touch()
    tool = TOOLS / 'make_demo_clips.py'
    for folder in ('file', '/proc/x'):
        output = run(tool, tmp_path / folder, ok=False)
        assert output.startswith(f"ConfigError: folder='{tmp_path / folder}' cannot be written: ")
    assert 'folder: must be the path of a folder, got an empty one' in run(tool, '', cwd=tmp_path, ok=False)
    for option in ('--seed', '--train', '--test'):
        output = run(tool, tmp_path / 'clips', option, -1, ok=False)
        assert f"argument {option}: must be a whole number from 0, got '-1'" in output
    with pytest.raises(DataError, match='nowhere'):
        write_video(tmp_path / 'nowhere' / 'a.avi', np.zeros((2, SIDE, SIDE, 3), np.uint8))


def test_a_full_disk_is_told_and_leaves_no_list_of_clips_that_are_cut_short(tmp_path):
    for size in (0, 8000):  # a clip has some 15,000 bytes
        with full_disk(size), pytest.raises(DistillError, match=str(tmp_path)):
            list(make_clips(tmp_path, train=2, test=1))
    assert not list(tmp_path.glob('t*.txt'))
