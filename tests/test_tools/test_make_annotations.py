import re
import shutil
from pathlib import Path

import pytest
from helpers import TOOLS, run, write_clips
from picture_jobs import write_pictures

from mmdualkd.datasets import VideoDataset

WHO = ['ann', 'bob', 'cat', 'dan']
TOOL = TOOLS / 'make_annotations.py'


@pytest.fixture(scope='module')
def videos(tmp_path_factory):
    """Three classes of four videos, of four people; two files that are no videos and two that are broken."""
    source = tmp_path_factory.mktemp('source')
    write_clips(source, classes=3, per_class=4, frames=4)
    folder = tmp_path_factory.mktemp('videos')
    for label, name in enumerate(['walk', 'run', 'jump']):
        (folder / name).mkdir()
        for index, person in enumerate(WHO):
            (source / f'class{label}_{index}.avi').rename(folder / name / f'{person}_{name}.avi')
    (folder / 'run' / 'notes.txt').write_text('not a video')
    (folder / 'run' / 'nothing.avi').touch()
    (folder / 'jump' / 'broken.avi').write_bytes(b'RIFF' + bytes(100))
    whole = (folder / 'jump' / 'ann_jump.avi').read_bytes()
    (folder / 'jump' / 'half.avi').write_bytes(whole[: len(whole) // 2])
    return folder


def read(path):
    """Annotation lines as (path, label)."""
    return [(line.split()[0], int(line.split()[1])) for line in path.read_text().splitlines()]


def test_each_class_gives_its_share_and_no_video_is_on_both_sides(videos, tmp_path):
    output = run(TOOL, videos, '--out', tmp_path, '--test-fraction', 0.25, fresh=True)
    train, val = read(tmp_path / 'train.txt'), read(tmp_path / 'val.txt')
    assert (tmp_path / 'classes.txt').read_text().split() == ['jump', 'run', 'walk']
    assert sorted(label for _, label in val) == [0, 1, 2]
    assert len(train) == 9 and not set(train) & set(val)
    assert all((videos / path).is_file() for path, _ in train + val)
    assert all(path.split('/')[0] == ['jump', 'run', 'walk'][label] for path, label in train + val)
    for fault in (
        'run/notes.txt is a text',
        'run/nothing.avi is empty (0 bytes)',
        'jump/broken.avi is no video that decodes',
        'jump/half.avi is cut short: it has ',
    ):
        assert f'left out: {fault}' in output


def test_folds_hold_out_each_group_once_and_never_divide_one(videos, tmp_path):
    run(TOOL, videos, '--out', tmp_path, '--group-regex', '/([a-z]+)_', '--folds', 2)
    people = []
    for fold in (1, 2):
        sides = [
            {path.split('/')[1].split('_')[0] for path, _ in read(tmp_path / f'fold{fold}_{part}.txt')}
            for part in ('train', 'val')
        ]
        assert not sides[0] & sides[1] and len(sides[0] | sides[1]) == 4
        people.append(sides[1])
    assert people == [{'ann', 'bob'}, {'cat', 'dan'}]


def test_folds_without_groups_hold_out_each_video_once(videos, tmp_path):
    run(TOOL, videos, '--out', tmp_path, '--folds', 4)
    held_out = [line for fold in range(1, 5) for line in read(tmp_path / f'fold{fold}_val.txt')]
    assert len(held_out) == len(set(held_out)) == 12
    assert sorted(label for _, label in read(tmp_path / 'fold1_val.txt')) == [0, 1, 2]


def test_a_folder_of_videos_without_a_label_is_trained_on_with_minus_one(videos, tmp_path):
    output = run(TOOL, videos, '--out', tmp_path, '--unlabelled', 'walk')
    assert '8 videos of 2 classes: jump, run, and 4 without a label' in output
    train, val = read(tmp_path / 'train.txt'), read(tmp_path / 'val.txt')
    assert sorted(path for path, label in train if label == -1) == [f'walk/{who}_walk.avi' for who in WHO]
    assert len(val) == 2 and all(label >= 0 for _, label in val)
    dataset = VideoDataset(str(tmp_path / 'train.txt'), [], data_prefix=dict(video=str(videos)), num_classes=2)
    assert len(dataset) == 10
    output = run(TOOL, videos, '--out', tmp_path, '--unlabelled', 'walking', ok=False)
    assert "DataError: --unlabelled='walking': no file that decodes lies in a folder of this name" in output


def test_the_out_folder_may_lie_inside_and_runs_repeat(videos):
    out = videos / 'annotations'
    outputs, texts = [], []
    for _ in range(2):
        outputs.append(run(TOOL, videos, '--out', out))
        texts.append((out / 'val.txt').read_text())
    assert texts[0] == texts[1]
    assert '12 videos of 3 classes' in outputs[1] and 'annotations/classes.txt' not in outputs[1]


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--group-regex', 'x(y)z'], "the expression of groups 'x(y)z' does not match jump/ann_jump.avi"),
        (['--group-regex', 'ann'], "'ann' has no group"),
        (['--group-regex', '(abc'], "'(abc' is no regular expression: missing ), unterminated subpattern"),
        (['--group-regex', '(zzz)?'], "'(zzz)?' matches without its first group in jump/ann_jump.avi"),
        (['--folds', '5'], '4 files or groups (jump/ann_jump.avi, ...) cannot be divided into 5 parts'),
        (['--test-fraction', '1.5'], 'must lie between 0 and 1, got 1.5'),
        (['--out', ''], 'argument --out: must be the path of a folder, got an empty one'),
        (['--table', ''], '--table must be the path of a file, got an empty one'),
    ],
)
def test_bad_arguments_get_one_clear_error(videos, tmp_path, arguments, message):
    output = run(TOOL, videos, '--out', tmp_path, *arguments, ok=False)
    assert message in output and 'Traceback' not in output


@pytest.mark.parametrize('out', ['file', '/proc/x'])
def test_an_out_that_cannot_be_written_to_is_one_clear_error(videos, tmp_path, out):
    (tmp_path / 'file').touch()
    output = run(TOOL, videos, '--out', tmp_path / out, ok=False)
    assert output.startswith(f"ConfigError: --out='{tmp_path / out}' cannot be written: ")


def test_a_run_that_fails_leaves_the_files_of_an_earlier_one_as_they_are(videos, tmp_path):
    copy, out = tmp_path / 'out' / 'videos', tmp_path / 'out'
    for name in ('run', 'walk'):
        shutil.copytree(videos / name, copy / name)
    run(TOOL, copy, '--out', out)
    texts = {path.name: path.read_text() for path in out.glob('*.txt')}
    (copy / 'alone').mkdir()
    shutil.copy(videos / 'walk' / 'ann_walk.avi', copy / 'alone')
    message = (
        'DataError: 1 class has a single file, which cannot be both trained on and tested: alone/ann_walk.avi; '
        'add files, or take it out'
    )
    assert run(TOOL, copy, '--out', out, ok=False).splitlines()[-1] == message
    assert {path.name: path.read_text() for path in out.glob('*.txt')} == texts and len(texts) == 3


def test_folders_with_spaces_and_of_any_script_are_written_and_read_again(videos, tmp_path):
    names = ['прыжок', 'two words', '走る']
    for name, source in zip(names, ['jump', 'run', 'walk'], strict=True):
        shutil.copytree(videos / source, tmp_path / 'videos' / name)
    run(TOOL, tmp_path / 'videos', '--out', tmp_path / 'out')
    assert (tmp_path / 'out' / 'classes.txt').read_text().splitlines() == sorted(names)
    dataset = VideoDataset(
        str(tmp_path / 'out' / 'train.txt'), [], data_prefix=dict(video=str(tmp_path / 'videos')), num_classes=3
    )
    assert dataset.metainfo['classes'] == sorted(names) and len(dataset) == 9
    for info in map(dataset.get_data_info, range(9)):
        assert Path(info['filename']).is_file() and Path(info['filename']).parent.name == sorted(names)[info['label']]


@pytest.mark.parametrize(
    'names, message',
    [
        (['run', 'a\nb'], r"names cannot stand in an annotation file, .*'a\\nb/"),
        (['run', ' walk'], r"names cannot stand in an annotation file, .*' walk/"),
        (['run', 'Run'], r"the classes 'Run' \(4 files\) and 'run' \(4 files\) differ only in case"),
        (['cafe\u0301', 'caf\xe9'], 'differ only in case, in leading zeros or in how they are stored'),
        (['run'], "there is only one class, 'run': nothing to tell apart"),
        (['.'], r'^4 files lie in no class folder: ann_walk.avi, '),
        ([], 'no readable video in'),
    ],
)
def test_folders_that_cannot_be_classes_are_one_clear_error(videos, tmp_path, names, message):
    (tmp_path / 'videos').mkdir()
    for name in names:
        shutil.copytree(videos / 'walk', tmp_path / 'videos' / name, dirs_exist_ok=True)
    output = run(TOOL, tmp_path / 'videos', '--out', tmp_path / 'out', ok=False)
    assert 'Traceback' not in output and re.search(message, output.splitlines()[-1].removeprefix('DataError: '))
    assert not list((tmp_path / 'out').iterdir())


def test_a_table_says_files_and_classes(videos, tmp_path):
    rows = [f'{path.relative_to(videos)},a {path.stem[:3]}' for path in sorted(videos.glob('*/*_*.avi'))]
    (tmp_path / 'table.csv').write_text('\n'.join(['Video,Label', *rows, '"jump/half.avi",a ann', 'gone.avi,a ann']))
    output = run(TOOL, videos, '--out', tmp_path, '--table', tmp_path / 'table.csv')
    assert 'left out: gone.avi is not there' in output and 'left out: jump/half.avi is cut short' in output
    assert (tmp_path / 'classes.txt').read_text().splitlines() == ['a ann', 'a bob', 'a cat', 'a dan']
    lines = read(tmp_path / 'train.txt') + read(tmp_path / 'val.txt')
    assert len(lines) == 12 and all(['ann', 'bob', 'cat', 'dan'][label] in path for path, label in lines)


def test_a_file_that_a_table_spells_in_two_ways_is_told_whatever_folder_the_table_lies_in(videos, tmp_path):
    rows = [f'{path.relative_to(videos)},{path.parent.name}' for path in sorted(videos.glob('*/*_*.avi'))]
    (tmp_path / 'table.csv').write_text('\n'.join([*rows, f'{videos / "run" / "ann_run.avi"},jump']))
    output = run(TOOL, videos, '--out', tmp_path / 'out', '--table', tmp_path / 'table.csv', ok=False)
    assert f"line 13: '{videos}/run/ann_run.avi' stands there before, as 'run/ann_run.avi'" in output


def test_pictures_are_split_as_videos_are(tmp_path):
    write_pictures(tmp_path / 'pictures', classes=2, per_class=5)
    (tmp_path / 'pictures' / 'class0' / 'empty.jpg').touch()
    output = run(TOOL, tmp_path / 'pictures', '--out', tmp_path / 'out', '--pictures')
    assert 'left out: class0/empty.jpg is empty (0 bytes)' in output and '10 pictures of 2 classes' in output
    assert len(read(tmp_path / 'out' / 'val.txt')) == 2


def test_folders_of_a_split_are_said_to_be_divided_anew(tmp_path):
    for part in ('train', 'val'):
        write_pictures(tmp_path / 'pictures' / part, classes=2, per_class=2)
    output = run(TOOL, tmp_path / 'pictures', '--out', tmp_path / 'out', '--pictures')
    assert 'warning: train, val are divided anew; `mmdualkd distill` keeps them' in output


def test_class_folders_may_be_links_and_files_of_an_earlier_run_are_named(videos, tmp_path):
    (tmp_path / 'links').mkdir()
    for name in ('walk', 'run'):
        (tmp_path / 'links' / name).symlink_to(videos / name)
    (tmp_path / 'links' / 'a_loop').symlink_to(tmp_path / 'links')  # and each file is there once
    (tmp_path / 'links' / 'walk_again.avi').symlink_to(videos / 'walk' / 'ann_walk.avi')
    run(TOOL, tmp_path / 'links', '--out', tmp_path, '--folds', 3)
    output = run(TOOL, tmp_path / 'links', '--out', tmp_path, '--folds', 2)
    assert '8 videos of 2 classes: run, walk' in output
    assert re.search(r'folders counts once: \S*walk/ann_walk.avi, not \S*walk_again.avi', output)
    assert 'of an earlier run; their labels may not be those of classes.txt: fold3_train.txt, fold3_val.txt' in output
    assert 'a folder that links' not in output  # the loop hides no class
    (tmp_path / 'links' / 'walks').symlink_to(videos / 'walk')
    output = run(TOOL, tmp_path / 'links', '--out', tmp_path, '--folds', 2)
    assert '8 videos of 2 classes: run, walk' in output
    assert re.search(r'a folder that links put into several folders counts once: \S*links/walk, not \S*walks', output)
