"""What `mmdualkd distill` finds in a folder or a table: classes named once, a split, and each mistake in one line."""

import re
import shutil

import pytest
from helpers import write_clips
from picture_jobs import write_pictures

from mmdualkd.errors import ConfigError, DataError
from mmdualkd.workflow.samples import find_samples, frames_of


@pytest.fixture(scope='module')
def clip(tmp_path_factory):
    """One tiny video."""
    return next(write_clips(tmp_path_factory.mktemp('clip'), 1, 1).parent.glob('*.avi'))


def tree(folder, clip, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(clip, folder / name)
    return folder


def found(data, tmp_path, fraction=0.2, regex=None):
    return find_samples(data, tmp_path / 'out', fraction, regex and re.compile(regex), 0)


def test_class_folders_are_divided_class_by_class_and_written_with_their_names(tmp_path, clip):
    names = [f'{kind}/{index} of mine.avi' for kind in ('wave to', 'Ходить') for index in range(5)]
    samples = found(tree(tmp_path / 'videos', clip, *names), tmp_path)
    assert samples.names == ['wave to', 'Ходить'] and len(samples.held_out) == 2
    samples.write(tmp_path / 'lists')
    assert (tmp_path / 'lists' / 'classes.txt').read_text() == 'wave to\nХодить\n'
    lines = (tmp_path / 'lists' / 'train.txt').read_text().splitlines()
    assert (
        len(lines) == 8
        and 'wave to/1 of mine.avi 0' in lines + (tmp_path / 'lists' / 'val.txt').read_text().splitlines()
    )
    assert frames_of(samples) == 12


def test_a_run_that_lies_in_the_data_is_no_class_and_a_note_of_that_name_makes_no_run(tmp_path, clip, monkeypatch):
    names = [f'{kind}/{index}.avi' for kind in 'ab' for index in range(5)]
    data = tree(tmp_path / 'videos', clip, *names, 'first/frames/0.avi', 'runs/second/report.avi')
    for name, state in (
        ('first', '{"stages": {}}'),
        ('runs/second', '{"stages": {}}'),
        ('a', '{"fps": 25}'),
        ('b', ''),
    ):
        (data / name / 'run.json').write_text(state)
    told = []
    monkeypatch.setattr('mmdualkd.datasets.finding.print_log', lambda text, **_: told.append(text))
    assert found(data, tmp_path).names == ['a', 'b']
    first, second = told
    assert first == f'{data / "first"} is left out: it is a run of `mmdualkd distill`, no folder of samples'
    assert second.startswith(f'{data / "runs/second"} is left out')


def test_folders_of_train_and_val_are_kept_as_a_split(tmp_path, clip):
    names = [f'{split}/{kind}/{index}.avi' for split in ('train', 'val') for kind in 'ab' for index in range(2)]
    samples = found(tree(tmp_path / 'videos', clip, *names), tmp_path)
    assert samples.names == ['a', 'b']
    assert samples.held_out == {name for name in names if name.startswith('val')}
    with pytest.raises(ConfigError, match='--group-regex.*divided already'):
        found(tmp_path / 'videos', tmp_path, regex='(a)')


@pytest.mark.parametrize('second', ['val', 'Validation'])
def test_of_train_val_and_test_the_last_alone_judges(tmp_path, clip, second, capsys):
    names = [f'{part}/{kind}/{index}.avi' for part in ('train', second) for kind in 'ab' for index in range(2)]
    tests = [f'test/a/{index}.avi' for index in range(3)]
    samples = found(tree(tmp_path / 'videos', clip, *names, *tests), tmp_path)
    assert samples.test == set(tests) and samples.trained_on() == names[:4]
    assert "no file of 'b' is of test: nothing tests them" in capsys.readouterr().out
    samples.write(tmp_path / 'lists')
    lists = {path.stem: path.read_text().splitlines() for path in (tmp_path / 'lists').iterdir()}
    assert lists['test'] == [f'{name} 0' for name in tests] and lists['train'][0] == 'train/a/0.avi 0'
    assert lists['val'] == [f'{second}/a/0.avi 0', f'{second}/a/1.avi 0', f'{second}/b/0.avi 1', f'{second}/b/1.avi 1']


def test_a_table_that_says_which_files_are_held_out_is_kept_as_a_split(tmp_path, clip):
    names = [f'{kind}{index}.avi' for kind in 'ab' for index in range(4)]
    folder = tree(tmp_path / 'videos', clip, *names, 'c.avi', 'd.avi')
    parts = ('train', 'val', 'test', 'Train')
    rows = [f'{name},{name[0]},{parts[int(name[1])]}' for name in names]
    (folder / 'all.csv').write_text('\n'.join(['file,label,split', *rows, 'c.avi,,train', 'd.avi,,test']))
    samples = found(folder / 'all.csv', tmp_path)
    assert samples.trained_on() == ['a0.avi', 'a3.avi', 'b0.avi', 'b3.avi'] and samples.unlabelled == ['c.avi']
    assert samples.held_out == {'a1.avi', 'b1.avi', 'a2.avi', 'b2.avi'} and samples.test == {'a2.avi', 'b2.avi'}
    for name in ('a1.avi', 'b1.avi', 'a2.avi', 'b2.avi'):
        (folder / name).write_bytes(b'no video')
    with pytest.raises(DataError, match='of what it holds out no file decodes'):
        found(folder / 'all.csv', tmp_path)


@pytest.mark.parametrize(
    ('tops', 'told'),
    [(('train_set', 'test_set'), True), (('val', 'test'), True), (('all',), False)],
)
def test_parts_that_are_put_together_and_divided_anew_are_told(tmp_path, clip, tops, told, capsys):
    names = [f'{top}/{kind}/{index}.avi' for top in tops for kind in 'ab' for index in range(2)]
    data = tree(tmp_path / 'videos', clip, *names)
    samples = found(data, tmp_path)
    assert not samples.test
    text = f'the same classes lie in {", ".join(map(repr, sorted(tops)))}: their files are put together'
    assert (text in capsys.readouterr().out) == told
    found(data, tmp_path, regex='/([^/]+)/[ab]' if len(tops) > 1 else '([01])')
    assert text not in capsys.readouterr().out


def test_a_side_of_a_split_that_is_empty_is_told(tmp_path, clip, capsys):
    data = tree(tmp_path / 'videos', clip, *(f'train/{kind}/{index}.avi' for kind in 'ab' for index in range(5)))
    assert len(found(data, tmp_path).held_out) == 2 and 'held out in its place' not in capsys.readouterr().out
    (data / 'test' / 'a').mkdir(parents=True)
    (data / 'test' / 'a' / 'broken.avi').write_bytes(b'x')
    assert len(found(data, tmp_path).held_out) == 2
    said = "warning: no file that decodes lies in 'test': a share of what lies in 'train' is held out in its place"
    assert said in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize('other', ['a', 'docs'])
@pytest.mark.parametrize('tops', [('train', 'testing'), ('train', 'test', 'testing')])
def test_folders_beside_a_split_do_not_make_it_be_drawn_anew(tmp_path, clip, tops, other):
    names = [f'{top}/{kind}/{index}.avi' for top in tops[:2] for kind in 'ab' for index in range(2)]
    names += [f'testing/{other}/{index}.avi' for index in range(2, 4)]
    with pytest.raises(DataError, match=f"'t[a-z]+' is the name of a part of a split.* but '{tops[-1]}' beside it"):
        found(tree(tmp_path / 'videos', clip, *names), tmp_path)


def test_parts_of_a_split_inside_of_the_classes_are_no_classes(tmp_path, clip):
    names = [f'{kind}/{part}/{index}.avi' for kind in 'ab' for part in ('Train', 'val') for index in range(2)]
    with pytest.raises(DataError, match="called 'Train' and 'val', which are parts of a split and no classes"):
        found(tree(tmp_path / 'videos', clip, *names), tmp_path)


def test_a_class_may_be_called_train(tmp_path, clip):
    names = [f'{kind}/{index}.avi' for kind in ('train', 'car/small') for index in range(2)]
    assert found(tree(tmp_path / 'videos', clip, *names), tmp_path).names == ['small', 'train']


def test_files_that_are_left_out_are_told_before_the_class_that_lacks_them(tmp_path, clip, capsys):
    data = tree(tmp_path / 'videos', clip, 'a/0.avi', 'a/1.avi')
    (data / 'b').mkdir()
    (data / 'b' / '0.avi').touch()
    with pytest.raises(DataError, match='only one class'):
        found(data, tmp_path)
    assert capsys.readouterr().out.startswith('left out: b/0.avi is empty (0 bytes)\n')
    found(tree(data, clip, 'c/0.avi', 'c/1.avi'), tmp_path)
    assert "warning: no file of 'b' decodes" in capsys.readouterr().out
    (data / 'b' / '0.avi').rename(data / 'b' / 'caf\udce9.avi')
    found(data, tmp_path)
    assert capsys.readouterr().out.startswith('left out: b/caf\\udce9.avi has a name that is not UTF-8')


def test_groups_stay_on_one_side(tmp_path, clip):
    names = [f'{kind}/{who}_{index}.avi' for kind in 'ab' for who in 'xyz' for index in range(2)]
    samples = found(tree(tmp_path / 'videos', clip, *names), tmp_path, 0.34, regex='/([^/_]+)_')
    assert len({name[2] for name in samples.held_out}) == 1 and len(samples.held_out) == 4


def test_a_table_of_files_and_classes_is_read_beside_its_files(tmp_path, clip):
    tree(tmp_path, clip, *(f'{index}.avi' for index in range(4)))
    table = tmp_path / 'clips.csv'
    table.write_text('path,label\n0.avi,run\n1.avi,run\n"2.avi","jump, high"\n3.avi,"jump, high"\n')
    samples = found(table, tmp_path, 0.5)
    assert samples.names == ['jump, high', 'run'] and samples.root == tmp_path
    assert len(samples.trained_on()) == 2


def test_files_without_a_class_are_trained_on_and_never_held_out(tmp_path, clip, capsys):
    data = tree(tmp_path / 'videos', clip, *(f'{kind}/{index}.avi' for kind in 'abz' for index in range(3)))
    (data / 'z' / 'cut.avi').write_bytes(b'RIFF')
    samples = find_samples(data, tmp_path / 'out', 0.3, None, 0, './z/')
    assert 'cut.avi' in (told := capsys.readouterr().out) and 'the student will not know' not in told
    assert samples.names == ['a', 'b'] and samples.unlabelled == ['z/0.avi', 'z/1.avi', 'z/2.avi']
    samples.write(tmp_path / 'lists')
    lines = (tmp_path / 'lists' / 'train.txt').read_text().splitlines()
    assert len(lines) == 7 and lines[-3:] == ['z/0.avi -1', 'z/1.avi -1', 'z/2.avi -1']
    table = tmp_path / 'videos' / 'clips.csv'
    table.write_text(''.join(f'{kind}/{index}.avi,{kind.strip("z")}\n' for kind in 'abz' for index in range(3)))
    assert found(table, tmp_path, 0.3).unlabelled == samples.unlabelled
    with pytest.raises(ConfigError, match="--unlabelled='z' is of folders; in a table leave the label empty"):
        find_samples(table, tmp_path / 'out', 0.3, None, 0, 'z')


def test_pictures_are_told_from_videos(tmp_path):
    samples = found(write_pictures(tmp_path / 'pictures'), tmp_path)
    assert samples.of == 'pictures' and samples.names == ['class0', 'class1']


def test_pictures_whose_names_do_not_tell_are_known_by_what_they_hold(tmp_path, clip):
    pictures = write_pictures(tmp_path / 'pictures')
    for number, path in enumerate(sorted(pictures.rglob('*.jpg'))):
        path.rename(path.with_suffix(('', '.x')[number % 2]))
    assert found(pictures, tmp_path).of == 'pictures'
    assert found(tree(tmp_path / 'videos', clip, 'a/0.jpg', 'a/1.jpg', 'b/0.jpg', 'b/1.jpg'), tmp_path).of == 'videos'
    for path in pictures.rglob('*'):
        if path.is_file():
            path.write_text('neither')
    with pytest.raises(DataError, match='has no readable videos: class0/0 is no video that decodes'):
        found(pictures, tmp_path)


def test_files_that_do_not_decode_are_named_and_left_out(tmp_path, clip):
    data = tree(tmp_path / 'videos', clip, *(f'{kind}/{index}.avi' for kind in 'ab' for index in range(3)))
    (data / 'a' / 'empty.avi').write_bytes(b'')
    (data / 'a' / 'notes.txt').write_text('no video')
    samples = found(data, tmp_path)
    assert set(samples.faults) == {'a/empty.avi', 'a/notes.txt'} and len(samples.classes) == 6
    assert 'empty' in samples.faults['a/empty.avi']


@pytest.mark.parametrize(
    ('names', 'message'),
    [
        (['0.avi', '1.avi'], 'no class folder'),
        (['a/0.avi', 'a/1.avi'], 'only one class'),
        (['a/0.avi', 'a/1.avi', 'b/0.avi'], 'single file.*b/0.avi'),
        (['run/0.avi', 'run/1.avi', 'Run/0.avi', 'Run/1.avi'], "'Run' .*'run' .*differ only in case"),
        (['a/0.avi', 'a/1.avi', 'b/0\n.avi', 'b/1.avi'], 'line break'),
    ],
)
def test_folders_that_cannot_be_learned_from_are_one_error(tmp_path, clip, names, message):
    with pytest.raises(DataError, match=message):
        found(tree(tmp_path / 'videos', clip, *names), tmp_path)


def test_a_given_split_with_a_class_that_is_not_trained_on_is_an_error(tmp_path, clip):
    names = ['train/dog/0.avi', 'train/a/1.avi', 'val/dgo/0.avi', 'val/a/0.avi']
    with pytest.raises(DataError, match="no file of 'dgo' is left to train on.*has no such class; did you mean 'dog'"):
        found(tree(tmp_path / 'videos', clip, *names), tmp_path)


@pytest.mark.parametrize('loose', ['train/2.avi', 'val/2.avi'])
def test_files_of_a_given_split_that_lie_in_no_class_folder_make_no_class_of_its_part(tmp_path, clip, loose):
    names = [f'{split}/{kind}/{index}.avi' for split in ('train', 'val') for kind in 'ab' for index in range(2)]
    with pytest.raises(DataError, match=f'1 files of the split lie in no class folder: {loose}; put them into'):
        found(tree(tmp_path / 'videos', clip, *names, loose), tmp_path)


@pytest.mark.parametrize('names', [['run', 'Run'], ['a', 'b\nc']])
def test_a_given_split_has_its_names_checked_too(tmp_path, clip, names):
    files = [f'{split}/{name}/{index}.avi' for split in ('train', 'val') for name in names for index in range(2)]
    with pytest.raises(DataError, match='differ only in case|line break'):
        found(tree(tmp_path / 'videos', clip, *files), tmp_path)


def test_copies_on_both_sides_and_classes_that_are_not_held_out_are_told(tmp_path, clip, capsys):
    names = ['train/a/0.avi', 'train/b/1.avi', 'train/b/2.avi', 'val/a/0.avi']
    found(tree(tmp_path / 'videos', clip, *names), tmp_path)
    text = capsys.readouterr().out
    assert '2 training videos are copies of one in another class, such as ' in text
    assert '1 of 1 held-out videos are copies of training files' in text and "no file of 'b' is held out" in text


def test_copies_of_two_classes_that_are_both_held_out_are_told(tmp_path, clip, capsys):
    data = tree(tmp_path / 'videos', clip, *(f'{part}/{name}/0.avi' for part in ('train', 'val') for name in 'ab'))
    for name in 'ab':
        with (data / 'train' / name / '0.avi').open('ab') as file:
            file.write(name.encode())
    found(data, tmp_path)
    text = capsys.readouterr().out
    assert re.findall(r'warning: (.*) such as', text) == ['1 held-out videos are copies of one in another class,']


def test_notes_beside_pictures_do_not_make_them_videos(tmp_path):
    pictures = write_pictures(tmp_path / 'pictures')
    for path in list(pictures.rglob('*.jpg')):
        for suffix in ('.txt', '.json', '.pt'):
            path.with_suffix(suffix).write_text('note')
    (pictures / '.DS_Store').write_text('hidden')
    samples = found(pictures, tmp_path)
    assert samples.of == 'pictures' and not any('DS_Store' in path for path in samples.faults)


def test_what_is_no_folder_or_is_empty_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match='no such folder'):
        found(tmp_path / 'nothing', tmp_path)
    (tmp_path / 'empty').mkdir()
    with pytest.raises(DataError, match='holds no files'):
        found(tmp_path / 'empty', tmp_path)
