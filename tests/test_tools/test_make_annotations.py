import shutil

import pytest
from helpers import TOOLS, run, write_clips

TOOL = TOOLS / 'make_annotations.py'


@pytest.fixture(scope='module')
def videos(tmp_path_factory):
    """Three classes of four videos, of four people; one file that is no video and two that are broken."""
    source = tmp_path_factory.mktemp('source')
    write_clips(source, classes=3, per_class=4, frames=4)
    folder = tmp_path_factory.mktemp('videos')
    for label, name in enumerate(['walk', 'run', 'jump']):
        (folder / name).mkdir()
        for index, person in enumerate(['ann', 'bob', 'cat', 'dan']):
            (source / f'class{label}_{index}.avi').rename(folder / name / f'{person}_{name}.avi')
    (folder / 'run' / 'notes.txt').write_text('not a video')
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
    for name in ('run/notes.txt', 'jump/broken.avi', 'jump/half.avi'):
        assert f'not a readable video: {name}' in output


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
        (['--group-regex', 'x(y)z'], "--group-regex 'x(y)z' does not match jump/ann_jump.avi"),
        (['--group-regex', 'ann'], "'ann' has no group"),
        (['--group-regex', '(abc'], "'(abc' is no regular expression: missing ), unterminated subpattern"),
        (['--group-regex', '(zzz)?'], "'(zzz)?' matches without its first group in jump/ann_jump.avi"),
        (['--folds', '5'], 'cannot be divided into 5 parts'),
        (['--test-fraction', '1.5'], 'must lie between 0 and 1, got 1.5'),
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
    shutil.copytree(videos / 'run', copy / 'run')
    run(TOOL, copy, '--out', out)
    texts = {path.name: path.read_text() for path in out.glob('*.txt')}
    (copy / 'alone').mkdir()
    shutil.copy(videos / 'walk' / 'ann_walk.avi', copy / 'alone')
    assert 'cannot be divided into 2 parts' in run(TOOL, copy, '--out', out, ok=False)
    assert {path.name: path.read_text() for path in out.glob('*.txt')} == texts and len(texts) == 3


def test_paths_that_annotation_files_cannot_hold_are_refused(tmp_path):
    write_clips(tmp_path / 'clips', classes=1, per_class=2, frames=4)
    (tmp_path / 'videos').mkdir()
    (tmp_path / 'clips').rename(tmp_path / 'videos' / 'two words')
    output = run(TOOL, tmp_path / 'videos', '--out', tmp_path / 'out', ok=False)
    assert '2 paths have a space in them' in output and 'two words/class0_0.avi' in output


def test_class_folders_may_be_links_and_files_of_an_earlier_run_are_named(videos, tmp_path):
    (tmp_path / 'links').mkdir()
    for name in ('walk', 'run'):
        (tmp_path / 'links' / name).symlink_to(videos / name)
    (tmp_path / 'links' / 'a_loop').symlink_to(tmp_path / 'links')  # and each file is there once
    (tmp_path / 'links' / 'walk_again.avi').symlink_to(videos / 'walk' / 'ann_walk.avi')
    run(TOOL, tmp_path / 'links', '--out', tmp_path, '--folds', 3)
    output = run(TOOL, tmp_path / 'links', '--out', tmp_path, '--folds', 2)
    assert '8 videos of 2 classes: run, walk' in output
    assert 'of an earlier run; their labels may not be those of classes.txt: fold3_train.txt, fold3_val.txt' in output
