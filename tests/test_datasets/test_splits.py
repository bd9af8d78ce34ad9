"""What becomes of a folder or a table of one's own files before there are annotation files."""

import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmdualkd.checks.headers import unreadable
from mmdualkd.datasets.finding import find_pictures, find_videos
from mmdualkd.datasets.splits import (
    check_classes,
    check_names,
    class_names,
    held_out,
    known_classes,
    write_annotations,
)
from mmdualkd.datasets.table import read_table
from mmdualkd.errors import DataError

VIDEOS = Path(__file__).resolve().parents[1] / 'videos'


def test_files_of_a_table_without_a_class_are_trained_on_but_for_those_of_groups_held_out(tmp_path):
    labelled = 'path,label\nann_0.avi,run\nbob_0.avi,run\nann_1.avi,walk\nbob_1.avi,walk\n'
    text = f'{labelled}ann_2.avi,\nbob_2.avi,-1\nbob_3.avi,-1.0\n'
    (tmp_path / 'table.csv').write_text(text)
    table = read_table(tmp_path / 'table.csv').classes
    classes, unlabelled = known_classes(list(table), table)
    assert len(classes) == 4 and unlabelled == ['ann_2.avi', 'bob_2.avi', 'bob_3.avi']
    with pytest.raises(DataError, match="--unlabelled='': no file"):  # a variable of the shell that is not set
        known_classes(['run/a.avi', 'others/b.avi'], unlabelled='')
    bob = re.compile('/([a-z]+)_')
    write_annotations(tmp_path, classes, [{'bob_0.avi', 'bob_1.avi'}], unlabelled, bob)
    assert (tmp_path / 'train.txt').read_text() == 'ann_0.avi 0\nann_1.avi 1\nann_2.avi -1\n'
    assert (tmp_path / 'val.txt').read_text() == 'bob_0.avi 0\nbob_1.avi 1\n'
    write_annotations(tmp_path, classes, [{'bob_0.avi'}], unlabelled)
    assert (tmp_path / 'train.txt').read_text().endswith('bob_1.avi 1\nann_2.avi -1\nbob_2.avi -1\nbob_3.avi -1\n')


def test_classes_that_are_numbers_keep_their_order():
    classes = {f'{number}.avi': str(number) for number in (10, 2, 0)}
    assert class_names(classes) == ['0', '2', '10']
    assert class_names({**classes, 'a.avi': 'a'}) == ['0', '10', '2', 'a']


def test_a_number_with_and_without_leading_zeros_is_no_two_classes():
    with pytest.raises(DataError, match=r"the classes '02' \(1 files\) and '2' \(1 files\) differ only in .*zeros"):
        check_names({'a.avi': '2', 'b.avi': '02', 'c.avi': '1'})
    check_names({'a.avi': '02', 'b.avi': '20', 'c.avi': '0', 'd.avi': 'a2', 'e.avi': 'a02'})


def test_a_file_name_that_is_not_utf_8_is_named_and_left_out(tmp_path):
    (tmp_path / 'run').mkdir()
    with open(bytes(tmp_path / 'run') + b'/caf\xe9.avi', 'wb') as file:
        file.write(b'RIFF')
    assert find_videos(tmp_path) == ([], {'run/caf\udce9.avi': 'has a name that is not UTF-8: rename it'})
    with pytest.raises(DataError, match=r"cannot stand in an annotation file.*'run/caf\\udce9\.avi'"):
        check_classes({'run/caf\udce9.avi': 'run', 'run/a.avi': 'run', 'walk/a.avi': 'walk', 'walk/b.avi': 'walk'})


def test_a_text_is_no_video_though_ffmpeg_draws_it(tmp_path):
    (tmp_path / 'About.TXT').write_text('Recorded in the yard.\n' * 100)
    assert find_videos(tmp_path) == ([], {'About.TXT': 'is a text'})


def test_a_playlist_is_no_further_copy_of_its_videos(tmp_path):
    (tmp_path / 'all.m3u8').write_text('#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nclip.mp4\n#EXT-X-ENDLIST\n')
    shutil.copy(VIDEOS / 'b_frames.mp4', tmp_path / 'clip.mp4')
    assert find_videos(tmp_path) == (['clip.mp4'], {'all.m3u8': 'is a text'})


def test_a_name_without_an_extension_is_not_the_mp4_beside_it(tmp_path):
    shutil.copy(VIDEOS / 'b_frames.mp4', tmp_path / 'clip.mp4')
    (tmp_path / 'clip').write_text('Recorded in the yard.')
    shutil.copy(VIDEOS / 'b_frames.mp4', tmp_path / 'other')
    assert find_videos(tmp_path) == (
        ['clip.mp4'],
        {
            'clip': 'is no video that decodes',
            'other': 'has no extension, which to MMAction2 means .mp4: rename it',
        },
    )


def test_pictures_are_told_from_other_files_by_their_headers(tmp_path):
    picture = np.zeros((7, 3000, 3), dtype=np.uint8)
    for name in ('a.jpg', 'b.png', 'c.webp', 'd.bmp', 'e.tif'):
        assert cv2.imwrite(str(tmp_path / name), picture)
    (tmp_path / 'f.jpg').write_bytes(b'')
    (tmp_path / 'g.jpg').write_bytes(b'no picture')
    (tmp_path / 'h.png').write_bytes((tmp_path / 'b.png').read_bytes()[:12])
    (tmp_path / 'i.gif').mkdir()
    good, faults = find_pictures(tmp_path)
    assert good == ['a.jpg', 'b.png', 'c.webp', 'd.bmp', 'e.tif']
    assert faults == {
        'f.jpg': 'is empty (0 bytes)',
        'g.jpg': 'is no picture that decodes',
        'h.png': 'is no picture that decodes',
    }


def test_pictures_that_are_cut_short_are_left_out_and_those_with_more_behind_their_end_are_not(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    kinds = ('bmp', 'jpg', 'png', 'tif', 'webp')
    for suffix in kinds:
        whole = cv2.imencode(f'.{suffix}', noise)[1].tobytes()
        (tmp_path / f'cut.{suffix}').write_bytes(whole[: len(whole) // 2])
        (tmp_path / f'more.{suffix}').write_bytes(whole + bytes(5000))  # as cameras write
    good, faults = find_pictures(tmp_path)
    assert good == [f'more.{kind}' for kind in kinds] and faults['cut.jpg'] == faults['cut.png'] == 'is cut short'
    files = {str(path): path.stem for path in tmp_path.iterdir()}
    faulty = unreadable(files, pictures=True)
    assert {files[file] for file in faulty} == {'cut'} and len(faulty) == len(kinds)


def test_a_png_that_is_damaged_in_its_middle_is_left_out(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    whole = cv2.imencode('.png', noise)[1].tobytes()
    (tmp_path / 'damaged.png').write_bytes(whole[:6000] + bytes(20) + whole[6020:])
    (tmp_path / 'empty.png').write_bytes(whole[:33] + whole[-12:])
    (tmp_path / 'whole.png').write_bytes(whole)
    assert find_pictures(tmp_path) == (['whole.png'], dict.fromkeys(('damaged.png', 'empty.png'), 'does not decode'))
    assert list(unreadable([str(tmp_path / 'damaged.png')], pictures=True).values()) == ['it does not decode']


def test_a_picture_of_more_pixels_than_pillow_opens_is_told_so(tmp_path, monkeypatch):
    assert cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((40, 40), np.uint8))
    monkeypatch.setattr('PIL.Image.MAX_IMAGE_PIXELS', 100)
    assert 'more pixels than Pillow opens' in find_pictures(tmp_path)[1]['a.png']
    [fault] = unreadable([str(tmp_path / 'a.png')], pictures=True).values()
    assert 'more pixels than Pillow opens' in fault


def test_each_class_gives_its_share_by_the_seed_alone(tmp_path):
    classes = {f'{name}/{index}.avi': name for name in ('a', 'b') for index in range(10)}
    (first,) = held_out(classes, 0.3, seed=1)
    assert [first] == held_out(classes, 0.3, seed=1) != held_out(classes, 0.3, seed=2)
    assert sorted(classes[path] for path in first) == ['a'] * 3 + ['b'] * 3
    written = write_annotations(tmp_path, classes, [first])
    assert {file.name: len(paths) for file, paths in written.items()} == {'train.txt': 14, 'val.txt': 6}
    assert (tmp_path / 'classes.txt').read_text() == 'a\nb\n'


def test_a_share_leaves_files_of_each_class_on_both_sides():
    classes = {f'{name}/{index}.avi': name for name in ('a', 'b') for index in range(2)}
    for share in (0.01, 0.99):
        (out,) = held_out(classes, share)
        assert sorted(classes[path] for path in out) == ['a', 'b']


def test_folds_take_groups_by_their_names_and_a_share_of_groups_is_drawn():
    classes = {f'run/{group}_{index}.avi': 'run' for group in 'cabd' for index in range(2)}
    group = re.compile('/([a-d])_')
    folds = [{f'run/{name}_0.avi', f'run/{name}_1.avi'} for name in 'abcd']
    assert held_out(classes, folds=4, group_regex=group, seed=3) == folds
    drawn = [held_out(classes, 0.25, group_regex=group, seed=seed)[0] for seed in range(8)]
    assert all(one in folds for one in drawn) and any(one != drawn[0] for one in drawn)


def test_what_is_tested_on_is_in_no_list_to_train_or_validate_on(tmp_path):
    written = write_annotations(tmp_path, dict(a='x', b='x', c='y'), [{'b', 'c'}], test={'c'})
    assert {file.name: paths for file, paths in written.items()} == {
        'train.txt': ['a'],
        'val.txt': ['b'],
        'test.txt': ['c'],
    }
