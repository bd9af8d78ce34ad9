"""Files, leaks and classes, on the data of tiny jobs."""

import shutil

import pytest
from commands import texts
from helpers import write_clips
from jobs import stock_job
from mmaction.datasets import RawframeDataset

from mmdualkd.checks.data import contradicting, shared
from mmdualkd.checks.headers import fault_of, lacks_boxes
from mmdualkd.datasets.samples import Sample, samples_of

OURS = """
for loader in (train_dataloader, val_dataloader):
    loader['dataset']['type'] = 'mmdualkd.VideoDataset'
val_dataloader['dataset'].update(ann_file={annotation!r}, data_prefix=dict(video={videos!r}))
test_dataloader = val_dataloader
custom_hooks += [dict(type='mmdualkd.CorruptVideoHook', max_fraction=0.3)]
"""


@pytest.fixture
def job(tmp_path):
    """A plain training on our data sets, whose validation data are others than its training data."""
    annotation = write_clips(tmp_path / 'other', frames=14)
    job = stock_job(tmp_path)
    job.config.write_text(
        job.config.read_text() + OURS.format(annotation=str(annotation), videos=str(annotation.parent))
    )
    return job


def test_files_that_cannot_be_opened_are_counted_and_named_once(job, check):
    clips = job.config.parent / 'clips'
    whole = (clips / 'class0_0.avi').read_bytes()
    (clips / 'class0_0.avi').write_bytes(whole[: len(whole) // 2])
    (clips / 'class0_1.avi').write_bytes(b'')
    code, found = check(job.config)
    text = texts(found, 'warning', 'videos')
    assert code == 0 and text.startswith('2 of 16 files cannot be opened: ')
    assert 'class0_0.avi (it is cut short)' in text and 'class0_1.avi (it is empty)' in text
    (clips / 'class1_0.avi').write_text('no video')
    (clips / 'class1_1.avi').unlink()
    code, found = check(job.config)
    text = texts(found, 'error', 'videos')
    assert code == 1 and text.startswith('4 of 16 files') and 'more than 30% do not decode' in text
    assert 'class1_0.avi (it is no video)' in text and 'class1_1.avi (No such file or directory)' in text


def test_an_mp4_that_is_cut_short_is_told_from_one_that_is_whole(tmp_path):
    whole = tmp_path.joinpath('whole.mp4')
    shutil.copy('tests/videos/b_frames.mp4', whole)
    assert fault_of(str(whole), pictures=False) is None
    assert fault_of(str(whole.with_suffix('')), pictures=False) is None  # mmaction2 puts .mp4 to such a name
    data = whole.read_bytes()
    for part in (0.3, 0.9):
        whole.write_bytes(data[: int(part * len(data))])
        assert fault_of(str(whole), pictures=False) == 'it is cut short'


def test_a_copy_under_another_name_is_a_leak(job, check):
    clips, other = job.config.parent / 'clips', job.config.parent / 'other'
    shutil.copy(clips / 'class0_0.avi', other / 'class0_0.avi')
    code, found = check(job.config)
    text = texts(found, 'error', 'train and val')  # an eighth; a tenth is a warning
    assert code == 1 and text.startswith('1 of 8 val files are in the training data, too: ')
    assert f'{other / "class0_0.avi"} is {clips / "class0_0.avi"}' in text
    for path in other.glob('*.avi'):
        path.unlink()
        path.symlink_to(clips / path.name)
    code, found = check(job.config)
    assert code == 1 and '8 of 8 val files are in the training data' in texts(found, 'error', 'train and val')


def test_files_of_one_size_are_told_apart_and_segments_of_one_video_too(tmp_path):
    for name, byte in dict(a=b'1', b=b'2', c=b'1').items():
        (tmp_path / name).write_bytes(byte * 9000)
    a, b, c = (str(tmp_path / name) for name in 'abc')
    assert shared([Sample(a, None, (0,))], [Sample(b, None, (0,)), Sample(c, None, (0,))]) == {c: a}
    assert shared([Sample(a, (0.0, 1.0), (0,))], [Sample(a, (1.0, 2.0), (0,)), Sample(c, (1.0, 2.0), (0,))]) == {}
    assert shared([Sample(a, (0.0, 1.0), (0,))], [Sample(c, (0.0, 1.0), (0,))]) == {c: a}
    assert shared([Sample(None, None, (0,))], [Sample(None, None, (0,))]) == {}


def test_a_copy_under_another_label_is_told(job, check, tmp_path):
    clips = job.config.parent / 'clips'
    lines = []
    for folder, what in ((clips, 'training'), (clips.with_name('other'), 'val')):
        one, copy = shutil.copy(folder / 'class0_0.avi', folder / 'class1_0.avi'), folder / 'class0_0.avi'
        lines.append(f'1 {what} files are there again under another label: {one} is {copy}')
    _, found = check(job.config)
    assert texts(found, 'warning', 'labels').splitlines() == lines
    for name, byte in dict(a=b'1', b=b'2', c=b'1', d=b'1').items():
        (tmp_path / name).write_bytes(byte * 9000)
    (tmp_path / 'link').symlink_to('b')
    a, b, c, d, link = (str(tmp_path / name) for name in ('a', 'b', 'c', 'd', 'link'))
    ours = [
        (a, None, 0),
        (b, None, 1),
        (c, None, 0),
        (d, None, 1),
        (link, None, 2),
        (a, (0.0, 1.0), 1),
        (a, (1.0, 2.0), 2),
    ]
    assert contradicting([Sample(file, cut, (label,)) for file, cut, label in ours]) == {d: a, link: b}
    assert contradicting([Sample(a, None, ()), Sample(c, None, (1,))]) == {}


def test_classes_without_clips_and_far_from_even_ones_are_warnings(job, check):
    folder = job.config.parent / 'clips'
    names = [line.split()[0] for line in (folder / 'annotation.txt').read_text().splitlines()]
    lines = [f'{name} 0\n' for name in names[:-1] * 2] + [f'{names[-1]} 1\n']
    (folder / 'annotation.txt').write_text(''.join(lines))
    (folder / 'classes.txt').write_text('run\nwalk\nclimb the stairs\n')
    code, found = check(job.config, '--cfg-options', 'model.cls_head.num_classes=3')
    text = texts(found, 'warning', 'classes')
    assert code == 0 and '1 of 3 have no training sample and are never learned: 2 (climb the stairs)' in text
    assert '1 (class 1 (walk)) to 14 (class 0 (run)) training samples each' in text
    assert 'has clips of' not in texts(found, 'warning')  # that is said once
    balanced = "train_dataloader['dataset'] = dict(type='ClassBalancedDataset', oversample_thr=0.5, dataset=dict(\n"
    balanced += "    **train_dataloader['dataset']))\n"
    job.config.write_text(job.config.read_text() + balanced)
    _, found = check(job.config, '--cfg-options', 'model.cls_head.num_classes=2')
    assert '1 (class 1 (walk)) to 14' in texts(found, 'fine', 'classes')
    assert '15 videos of 2 classes' in texts(found, 'fine', 'train data') and 'an epoch' in texts(found, 'fine')


def test_a_label_that_the_model_has_no_class_for_is_an_error_said_once(job, check):
    annotation = job.config.parent / 'clips' / 'annotation.txt'
    annotation.write_text(annotation.read_text().replace('class1_3.avi 1', 'class1_3.avi 7'))
    code, found = check(job.config)
    errors = {line.what: line.text for line in found if line.level == 'error'}
    assert code == 1 and set(errors) == {'labels', 'step'}  # the loss does not know the label either
    assert 'class1_3.avi has label 7, but the model has 2 classes' in errors['labels']


def test_one_class_is_an_error(job, check):
    for folder in ('clips', 'other'):
        annotation = job.config.parent / folder / 'annotation.txt'
        annotation.write_text(annotation.read_text().replace(' 1\n', ' 0\n'))
    code, found = check(job.config, '--cfg-options', 'model.cls_head.num_classes=1')
    assert code == 1 and 'there is only one' in texts(found, 'error', 'classes')


def test_a_part_of_an_mp4_whose_length_takes_eight_bytes_is_measured_too(tmp_path):
    file, head = tmp_path / 'long.mp4', (8).to_bytes(4, 'big') + b'ftyp'
    for length, lacks in ((16 + 100, False), (16 + 101, True)):
        file.write_bytes(head + (1).to_bytes(4, 'big') + b'mdat' + length.to_bytes(8, 'big') + bytes(100))
        assert lacks_boxes(str(file), file.stat().st_size) == lacks


def test_segments_of_one_folder_of_frames_are_no_copies(tmp_path):
    (tmp_path / 'frames.txt').write_text('P01_01 0 10 3\nP01_01 10 10 2\nP01_01 10 10 1\nP01_01 5 10 2\n')
    dataset = RawframeDataset(str(tmp_path / 'frames.txt'), [], dict(img='frames'), with_offset=True)
    samples = list(samples_of(dataset))
    assert [sample.cut for sample in samples] == [(0, 10), (10, 10), (10, 10), (5, 10)]
    assert len(contradicting(samples)) == 1 and not contradicting(samples[:2])
    assert not shared(samples[:1], samples[1:]) and shared(samples[1:2], samples[2:3])
    (tmp_path / 'frames.txt').write_text('P01_01 20 3\n')
    [whole] = samples_of(RawframeDataset(str(tmp_path / 'frames.txt'), [], dict(img='frames')))
    assert whole.cut is None
