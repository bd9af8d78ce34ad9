"""The page of a training, made by the tool from trained work directories, as a user makes it."""

import base64
import io
import json
import shutil
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from distill_jobs import distill_job
from helpers import call
from html_pages import Page
from jobs import write_job
from mmengine.config import Config
from mmengine.runner import Runner
from mmpretrain.datasets import KFoldDataset
from picture_jobs import picture_job, write_pictures
from PIL import Image
from tiny import resnet3d

from mmdualkd.checks.accuracy import build_loader, build_models, predict
from mmdualkd.errors import ConfigError, DataError
from mmdualkd.report.frames import frame
from mmdualkd.report.networks import key_of, ordered, predictions_of, samples_of
from mmdualkd.report.training import check_alone, read_training

CLASSES = ['<script>alert("x")</script> $a_1$', 'b & c\' onload="alert(1)"']
VALIDATION = f"""
val_dataloader['dataset'].update(type='mmdualkd.VideoDataset', metainfo=dict(classes={CLASSES!r}))
val_dataloader['batch_size'] = 3
teacher_val_pipeline = [
    dict(type='DecordInit'), dict(type='mmdualkd.SampleViews', test_mode=True), dict(type='DecordDecode'),
    dict(type='Resize', scale=(32, 32), keep_ratio=False), dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs')]
"""


def train(job):
    """Trains in this process."""
    cfg = Config.fromfile(job.config)
    cfg.experiment_name = str(job.config.parent)
    Runner.from_cfg(cfg).train()
    return job.work_dir


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """Work directories of a distillation and of its student alone, of one epoch each; 6 clips of 2 classes."""
    folder = tmp_path_factory.mktemp('report')
    alone = resnet3d(4, 2, norm='GN')
    alone['cls_head']['average_clips'] = 'prob'
    plain = write_job(folder / 'alone', f'model = {alone!r}\n{VALIDATION}', epochs=1, per_class=3)
    return train(distill_job(folder / 'distilled', VALIDATION, epochs=1, per_class=3)), train(plain)


@pytest.fixture
def folders(trained, tmp_path):
    """Copies of both that a test may change."""
    return [shutil.copytree(one, tmp_path / name) for one, name in zip(trained, ('distilled', 'alone'), strict=True)]


@pytest.fixture
def report(capsys):
    """Runs the tool in this process; gives the page, and what it printed."""

    def run_tool(folder, *arguments):
        call('report.py', folder, *arguments)
        printed = capsys.readouterr()
        page = Page(folder / 'report.html')
        page.check()
        return page, printed.out + printed.err

    return run_tool


def always_says(folder, label, score=1.0):
    """Lets the student in a work directory answer every clip with one class."""
    path = folder / 'epoch_1.pth'
    checkpoint = torch.load(path, weights_only=True)
    state = checkpoint['state_dict']
    prefix = 'student.' if 'student.cls_head.fc_cls.bias' in state else ''
    state[f'{prefix}cls_head.fc_cls.weight'].zero_()
    state[f'{prefix}cls_head.fc_cls.bias'].copy_(score * torch.eye(2)[label])
    torch.save(checkpoint, path)


def test_the_students_accuracy_is_that_of_its_own_validation_and_teachers_weigh_one_together(folders):
    training = read_training(folders[0])
    found = predictions_of(training)
    assert 100 * found.right('student').mean() == pytest.approx(list(training.validations.values())[-1])
    assert found.classes == CLASSES and found.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert set(found.predicted) == {'student', 'vit', 'cnn'} and not found.notes
    assert found.weights['kd/vit'] + found.weights['kd/cnn'] == pytest.approx(np.ones(6), abs=1e-5)
    assert all((values >= 0.5).all() and (values <= 1).all() for values in found.confidence.values())


def test_teachers_are_right_as_check_teachers_says_and_weighed_over_all_samples_at_once(folders):
    """The batches are of one class each, which in training they are not: AEKD would weigh every class for itself."""
    training = read_training(folders[0])
    training.config.model.terms = dict(kd=dict(type='FusedKD', weighting=dict(type='AEKD', tolerance=1.0)))
    for view in training.config.model.views.values():
        view.num_clips = 2
    found = predictions_of(training)
    assert set(found.weights) == {'kd/vit', 'kd/cnn'}, found.notes
    assert all((values == values[0]).all() for values in found.weights.values())
    cfg = ordered(training.config)
    distiller, models = build_models(cfg, str(training.checkpoint))
    _, scores = predict(distiller, models, build_loader(cfg, distiller))
    for name in ('vit', 'cnn'):
        np.testing.assert_allclose(found.confidence[name], scores[name].max(1).values.numpy(), rtol=1e-6)


def test_data_of_two_parts_are_one_and_a_sample_without_a_label_is_weighed_by_none(folders, tmp_path):
    training = read_training(folders[0])
    training.config.model.terms = dict(kd=dict(type='FusedKD', weighting=dict(type='CAMKD')))
    dataset = training.config.val_dataloader.dataset
    *lines, last = Path(dataset.ann_file).read_text().splitlines()
    parts = dict(one='\n'.join(lines), two=last.rpartition(' ')[0])
    for name, text in parts.items():
        (tmp_path / name).write_text(text)
    parts = [dict(dataset, ann_file=str(tmp_path / name)) for name in parts]
    training.config.val_dataloader.dataset = dict(type='ConcatDataset', datasets=parts)
    found = predictions_of(training)
    assert found.labels.tolist() == [0, 0, 0, 1, 1, -1] and not found.notes
    assert found.weights['kd/vit'][-1] == found.weights['kd/cnn'][-1] == 0.5 != found.weights['kd/vit'][0]


@contextmanager
def cut_short(trained):
    """Cuts the first clip of both trainings short for a while."""
    clips = [work_dir.parent / 'clips' / 'class0_0.avi' for work_dir in trained]
    whole = clips[0].read_bytes()
    for clip in clips:
        clip.write_bytes(whole[: len(whole) // 2])
    yield
    for clip in clips:
        clip.write_bytes(whole)


def test_a_page_shows_what_was_fixed_and_broken_and_is_there_at_once_again(folders, report, monkeypatch, trained):
    distilled, alone = folders
    always_says(distilled, 1)
    always_says(alone, 0)
    with cut_short(trained):
        page, printed = report(distilled, '--against', alone)
        monkeypatch.setattr('mmdualkd.report.networks.run_student', None)  # no network is run a second time
        again, more = report(distilled, '--against', alone)
    assert 'student of ' in printed
    assert 'it fixed 3 samples and broke 3, exact McNemar test p = 1.' in page.text
    assert f'{CLASSES[1]} 3 0.0 100.0 +100.0' in page.text and f'{CLASSES[0]} 3 100.0 0.0 -100.0' in page.text
    assert f'{CLASSES[1]} {CLASSES[0]} 3 3 0' in page.text and f'{CLASSES[0]} {CLASSES[1]} 3 0 3' in page.text
    ece = 100 * (1 / (1 + np.exp(-1)) - 0.5)  # sure of one class of two by 1 in the logits, right on half
    assert f'distilled 50.0 {50 + ece:.1f} {ece:.1f}' in page.text
    assert page.text.count('does not decode') == 1  # a grey box, and the clip counts as wrong or right all the same
    assert len(page.of('img')) == 5 and all(picture['src'].startswith('data:image/jpeg') for picture in page.of('img'))
    for heading in (
        'Learning curves',
        'Weights of the teachers',
        'Gain by class',
        'Confusion',
        'Agreement',
        'Calibration',
    ):
        assert heading in page.text
    assert '1 of 6 samples did not decode, and are judged as blanks' in page.text
    assert (
        again.text.count('fixed 3 samples') == again.text.count('samples did not decode') == 1
        and 'student of ' not in more
    )


def test_what_cannot_be_known_is_said_with_the_command_that_adds_it(folders, report):
    distilled, _ = folders
    page, _ = report(distilled, '--no-predictions')
    assert 'Learning curves' in page.text and 'weights of the teachers (kd)' in page.text
    assert '--no-predictions' in page.text and 'Confusion' not in page.text
    assert f'mmdualkd report {distilled} --against WORK_DIR_OF_STUDENT_ALONE' in page.text
    (distilled / 'epoch_1.pth').unlink()
    (distilled / 'student_epoch_1.pth').write_bytes(b'')
    page, _ = report(distilled)
    assert 'There are no predictions' in page.text and 'is empty (0 bytes)' in page.text
    torch.save(dict(state_dict={}), distilled / 'student_epoch_1.pth')
    for text, said in (
        ("model = dict(type='a',\n", "SyntaxError: '(' was never closed"),
        ('mod', "NameError: name 'mod'"),
    ):
        next(distilled.glob('*.py')).write_text(text)
        page, _ = report(distilled)
        assert f'is cut short or damaged: {said}' in page.text


def test_teachers_that_cannot_be_run_leave_the_students_part(folders, report, trained):
    teacher = trained[0].parent / 'vit.pth'
    kept = teacher.rename(teacher.with_suffix('.kept'))
    page, _ = report(folders[0])
    assert not (folders[0] / 'report' / 'predictions.npz').exists()  # what is mended shows the next time
    kept.rename(teacher)
    assert 'The teachers could not be run' in page.text and 'vit.pth' in page.text and 'Confusion' in page.text
    assert predictions_of(read_training(folders[0])).teachers  # what was kept without them is not it


def test_scores_that_are_no_numbers_name_no_class(folders, tmp_path):
    training = read_training(folders[0])
    vit = training.config.model.teachers.vit
    state = torch.load(vit.checkpoint, weights_only=True)
    state['cls_head.fc_cls.bias'].fill_(float('nan'))
    vit.checkpoint = str(tmp_path / 'vit.pth')
    torch.save(state, vit.checkpoint)
    found = predictions_of(training)
    assert list(found.predicted) == ['student']
    assert 'teacher vit gives NaN or infinite scores for 6 of 6 samples' in found.notes[0]
    always_says(folders[0], 0, float('nan'))
    with pytest.raises(DataError, match='the student gives NaN or infinite scores for 6 of 6 samples'):
        predictions_of(read_training(folders[0]))


def test_data_that_are_gone_are_said_so(folders, report, trained):
    gone = trained[0].parent / 'clips'
    kept = gone.rename(gone.with_name('kept'))
    page, _ = report(folders[0])
    kept.rename(gone)
    assert 'There are no predictions' in page.text and 'annotation.txt' in page.text and 'Learning curves' in page.text


def test_mistakes_are_one_line(folders, report, tmp_path):
    distilled, alone = folders
    (tmp_path / 'empty').mkdir()
    other = shutil.copytree(alone, tmp_path / 'other')
    checkpoint = torch.load(other / 'epoch_1.pth', weights_only=True)
    checkpoint['meta']['cfg'] = checkpoint['meta']['cfg'].replace('b & c', 'd & e')
    torch.save(checkpoint, other / 'epoch_1.pth')
    (tmp_path / 'export').mkdir()
    shutil.copy(distilled / 'student_epoch_1.pth', tmp_path / 'export')
    wider = SimpleNamespace(config=read_training(alone).config, checkpoint=other / 'wider.pth')
    torch.save({'backbone.conv1.weight': torch.zeros(1)}, wider.checkpoint)
    with pytest.raises(ConfigError, match=r'^--against trained another network .*: backbone.* there, .* here'):
        check_alone(read_training(distilled), wider, '--against')
    narrow = shutil.copytree(alone, tmp_path / 'narrow')
    checkpoint = torch.load(narrow / 'epoch_1.pth', weights_only=True)
    checkpoint['state_dict'].popitem()
    torch.save(checkpoint, narrow / 'epoch_1.pth')
    twin = shutil.copytree(distilled, tmp_path / 'twin')
    for words, message in (
        ([tmp_path / 'none'], 'ConfigError: WORK_DIR_OR_STUDY=.*none.: there is no such folder'),
        ([distilled / 'epoch_1.pth'], 'ConfigError: .* is a file: name the work directory'),
        ([tmp_path / 'empty'], r'ConfigError: .*holds no training: no log .* and no checkpoint'),
        ([tmp_path / 'export'], 'ConfigError: .*export has no log .*, and nothing else to show: There are no pred'),
        ([tmp_path], 'ConfigError: .*there are trainings in it: alone, distilled'),
        ([distilled, '--against', tmp_path / 'empty'], 'ConfigError: --against=.*holds no training'),
        ([distilled, '--against', narrow], 'ConfigError: --against=.*trained another network than this student'),
        ([distilled, '--against', other], 'ConfigError: --against=.*calls class 1 .*: other classes'),
        ([distilled, '--against', twin, '--no-predictions'], 'ConfigError: --against=.* has teachers, too'),
        ([narrow, '--against', narrow / '.', '--no-predictions'], 'ConfigError: --against=.* is the training itself'),
        ([distilled, '--out', distilled / 'epoch_1.pth'], r"ConfigError: --out='.*epoch_1\.pth' must end in \.html"),
        ([distilled, '--out', '/proc/page.html'], "ConfigError: --out='/proc' cannot be written"),
    ):
        with pytest.raises(SystemExit, match=message):
            report(*words)
        if words[-1] in (narrow, other):
            assert not (distilled / 'report').exists()  # before the networks are run


def test_a_log_of_a_training_that_was_resumed_is_one_curve(tmp_path):
    for name, entries in dict(a=[(1, 5.0), (2, 4.0), (3, 9.0)], b=[(3, 3.0), (4, 2.0)]).items():
        log = tmp_path / name / 'vis_data' / 'scalars.json'
        log.parent.mkdir(parents=True)
        log.write_text(''.join(json.dumps(dict(loss=loss, step=step)) + '\n' for step, loss in entries))
    assert read_training(tmp_path).curve('loss') == ([1, 2, 3, 4], [5.0, 4.0, 3.0, 2.0])


@pytest.mark.parametrize('by_epoch', [True, False])
def test_a_log_of_a_training_that_was_begun_anew_has_nothing_of_the_one_before(tmp_path, by_epoch):
    for name, epochs, top1 in (('a', 4, 0.9), ('b', 2, 0.5)):
        lines = []
        for epoch in range(1, epochs + 1):
            steps = (2 * epoch - 1, 2 * epoch)
            lines += [dict(loss=top1, step=step, **(dict(epoch=epoch) if by_epoch else {})) for step in steps]
            lines.append({'acc/top1': top1, 'step': epoch if by_epoch else 2 * epoch})
        log = tmp_path / name / 'vis_data' / 'scalars.json'
        log.parent.mkdir(parents=True)
        log.write_text(''.join(json.dumps(line) + '\n' for line in lines))
    training = read_training(tmp_path)
    assert training.curve('loss') == ([1, 2, 3, 4], [0.5] * 4)
    assert list(training.validations.values()) == [50.0, 50.0]


def test_a_run_of_distill_is_its_student_distilled_alone_and_the_teachers(folders, report, tmp_path):
    run = tmp_path / 'run'
    for folder, name in zip(folders, ('distilled', 'alone'), strict=True):
        shutil.copytree(folder, run / name)
    shutil.copytree(folders[1], run / 'teachers' / 'vit')
    state = dict(folder=str(run), arguments=dict(student='cnn-w8', seed=3), stages=dict(distilled={}))
    (run / 'run.json').write_text(json.dumps(state))
    page, _ = report(run, '--no-predictions')
    assert 'distilled ends at' in page.text and 'alone ends at' in page.text and 'teacher vit ends at' in page.text
    assert "student='cnn-w8', seed=3" in page.text and '--against WORK_DIR' not in page.text
    assert f'{run / "alone"} has not trained to its end' in page.text
    assert f'{run / "distilled"} has not' not in page.text
    for name in ('alone', 'teachers/vit'):  # they have just begun
        shutil.rmtree(run / name)
        (run / name).mkdir()
    page, _ = report(run, '--no-predictions')
    assert 'distilled ends at' in page.text and 'alone ends' not in page.text and '--against WORK_DIR' in page.text
    shutil.rmtree(run / 'distilled')
    with pytest.raises(SystemExit, match='ConfigError: .* whose student has not trained yet'):
        report(run)


def test_pictures_are_shown_in_their_colours_and_need_no_pipeline_of_the_teachers(tmp_path, report):
    job = picture_job(tmp_path / 'distilled', epochs=1, per_class=2)
    work_dir, other = train(job), shutil.copytree(job.work_dir, tmp_path / 'other')
    for picture in (tmp_path / 'distilled' / 'pictures' / 'class0').glob('*.jpg'):
        cv2.imwrite(str(picture), np.full((32, 32, 3), (250, 10, 10), dtype=np.uint8))  # blue, as OpenCV has it
    for folder, label in ((work_dir, 0), (other, 1)):
        path = folder / 'epoch_1.pth'
        checkpoint = torch.load(path, weights_only=True)
        checkpoint['state_dict']['student.head.fc.weight'].zero_()
        checkpoint['state_dict']['student.head.fc.bias'].copy_(torch.eye(2)[label])
        checkpoint['meta']['cfg'] += "\nmodel['teachers'] = {}\n" * label
        torch.save(checkpoint, path)
    page, _ = report(work_dir, '--against', other)
    assert 'it fixed 2 samples and broke 2' in page.text and 'class0 2 0.0 100.0 +100.0' in page.text
    assert 'teacher teacher' in page.text and 'What is missing' not in page.text
    picture = next(one for one in page.of('img') if one['alt'] == 'A frame of class0')['src'].partition(',')[2]
    red, _, blue = np.asarray(Image.open(io.BytesIO(base64.b64decode(picture)))).mean(axis=(0, 1))
    assert blue > 200 and red < 60


def test_samples_of_several_labels_are_refused_also_where_the_first_has_one():
    class Pictures(list):
        def get_data_info(self, index):
            return dict(img_path=f'{index}.jpg', gt_label=self[index])

    assert samples_of(Pictures([[1], 0])) == [('0.jpg', 1), ('1.jpg', 0)]
    with pytest.raises(ConfigError, match='several labels'):
        samples_of(Pictures([[1], [0, 1]]))


def test_predictions_are_kept_for_these_parts_of_these_frames(tmp_path):
    class Parts(list):
        def get_data_info(self, index):
            return dict(frame_dir=str(tmp_path), label=0, offset=self[index], total_frames=4)

    def key(*offsets):
        dataset = Parts(offsets)
        return key_of(Config(dict(model={})), tmp_path / 'epoch_1.pth', dataset, samples_of(dataset))

    frame = tmp_path / 'img_00001.jpg'
    frame.write_bytes(b'one')
    before = key(0, 4)
    assert key(0, 4) == before != key(0, 5)
    frame.write_bytes(b'another')  # as ffmpeg writes a video's frames anew: the folder stays as it is
    assert key(0, 4) != before


def test_the_picture_of_a_sample_of_a_fold_is_its_own(tmp_path):
    pictures = dict(type='mmdualkd.CustomDataset', data_prefix=str(write_pictures(tmp_path)), test_mode=True)
    pipeline = [dict(type='LoadImageFromFile'), dict(type='mmpretrain.PackInputs')]
    fold = KFoldDataset(dict(pictures, pipeline=pipeline), fold=1, num_splits=2, test_mode=True)
    shown = [frame(fold, index) for index in range(len(fold))]
    assert shown == [frame(fold.dataset, index) for index in range(len(fold))] and len(set(shown)) == 4
