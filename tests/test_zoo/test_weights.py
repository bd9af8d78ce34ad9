"""Weights of teachers and students, from files."""

import errno
import io
import logging
import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from mmengine.logging import MMLogger
from weights import KEY, cut_zip, same, small

from mmdualkd.errors import CheckpointError
from mmdualkd.zoo.weights import load_student_weights, load_teacher_weights


@pytest.mark.parametrize('form', ['mmengine', 'bare', 'module', 'distiller', 'float16'])
def test_a_teacher_loads_strictly_from_every_form_of_checkpoint(tmp_path, form):
    source = small()
    state = source.state_dict()
    checkpoint = {
        'mmengine': dict(state_dict=state, meta=dict(epoch=3)),
        'bare': state,
        'module': dict(state_dict={f'module.{name}': value for name, value in state.items()}),
        'distiller': dict(
            state_dict={f'student.{name}': value for name, value in state.items()} | {'terms.sdd.w': torch.ones(1)}
        ),
        'float16': {name: value.half() if value.is_floating_point() else value for name, value in state.items()},
    }[form]
    torch.save(checkpoint, tmp_path / 'a.pth')
    target = small()
    assert not same(target, state)
    load_teacher_weights(target, str(tmp_path / 'a.pth'), KEY)
    if form == 'float16':
        state = {name: value.half().float() if value.is_floating_point() else value for name, value in state.items()}
    assert same(target, state)
    assert all(parameter.dtype == torch.float32 for parameter in target.parameters())


def test_a_head_of_other_classes_is_an_error_that_names_both_counts(tmp_path):
    torch.save(small(num_classes=6).state_dict(), tmp_path / 'six.pth')
    with pytest.raises(CheckpointError, match=rf'{KEY}=.*six\.pth.* has 6 classes, the model has 4'):
        load_teacher_weights(small(), str(tmp_path / 'six.pth'), KEY)


def test_a_checkpoint_of_another_model_is_an_error_that_names_tensors(tmp_path):
    torch.save(small(name='tsn').state_dict(), tmp_path / 'a.pth')
    with pytest.raises(
        CheckpointError,
        match=rf'{KEY}=.* 101 of another shape \(backbone\.conv1\.conv\.weight \(64, 3, 7, 7\) for \(8, 3, 1',
    ):
        load_teacher_weights(small(), str(tmp_path / 'a.pth'), KEY)


def test_one_missing_tensor_is_an_error(tmp_path):
    state = small().state_dict()
    del state['backbone.layer1.0.conv1.conv.weight']
    torch.save(state, tmp_path / 'a.pth')
    with pytest.raises(CheckpointError, match=r'1 missing \(backbone\.layer1\.0\.conv1\.conv\.weight\)'):
        load_teacher_weights(small(), str(tmp_path / 'a.pth'), KEY)


def test_a_missing_file_is_an_error_that_names_key_and_path():
    with pytest.raises(CheckpointError, match=rf'{KEY}.*no file .*nowhere\.pth'):
        load_teacher_weights(small(), 'nowhere.pth', KEY)


class Evil:
    def __reduce__(self):
        return os.mkdir, ('evil_was_here',)


@pytest.mark.parametrize('form', ['zip', 'legacy'])
def test_a_pickle_with_code_inside_is_refused_and_does_not_run(tmp_path, monkeypatch, form):
    monkeypatch.chdir(tmp_path)
    torch.save(
        dict(state_dict=small().state_dict(), meta=Evil()), 'evil.pth', _use_new_zipfile_serialization=form == 'zip'
    )
    with pytest.raises(CheckpointError, match=rf'{KEY}.*evil\.pth.*mkdir.*could run code'):
        load_teacher_weights(small(), 'evil.pth', KEY)
    assert not os.path.exists('evil_was_here')


def other_zip():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as file:
        file.writestr('readme.txt', 'hello')
    return buffer.getvalue()


@pytest.mark.parametrize(
    ('content', 'reason'),
    [
        (b'<html>not found</html>', 'it is another kind of file'),
        (b'a = 1\n', 'it is another kind of file'),
        (cut_zip(), 'it is cut short'),
        (cut_zip()[:300], 'it is cut short'),
        (other_zip(), 'it is damaged, or another kind of zip file'),
        (pickle.dumps([1, 2]), 'Weights only load failed'),
        (b'\x80', 'it is cut short or damaged'),
    ],
    ids=['html', 'text', 'cut', 'cut in half', 'zip', 'list', 'one byte'],
)
@pytest.mark.filterwarnings('ignore:Detected pickle protocol')
def test_a_file_that_is_no_checkpoint_is_an_error_that_says_why_in_a_few_words(tmp_path, content, reason):
    (tmp_path / 'a.pth').write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"^{KEY}: '.*a\.pth' is not a .* torch can read as weights: {reason}$"):
        load_teacher_weights(torch.nn.Linear(2, 2), str(tmp_path / 'a.pth'), KEY)


def test_a_file_that_may_not_be_read_and_an_address_that_is_not_downloaded_are_errors(tmp_path, monkeypatch):
    with pytest.raises(CheckpointError, match=rf"^{KEY}: 's3://a/b\.pth' is no file, and of addresses only http"):
        load_teacher_weights(torch.nn.Linear(2, 2), 's3://a/b.pth', KEY)

    def refuse(path, mode):
        raise PermissionError(errno.EACCES, 'Permission denied')

    monkeypatch.setattr(Path, 'open', refuse)  # for root may read everything
    with pytest.raises(CheckpointError, match=rf"^{KEY}: '.*a\.pth' cannot be read: Permission denied$"):
        load_teacher_weights(torch.nn.Linear(2, 2), str(tmp_path / 'a.pth'), KEY)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (dict(model=dict(weight=torch.ones(2)), epoch=3), r"keys: 'model', 'epoch'\); 'model' looks like a state dict"),
        (dict(meta=dict(epoch=3)), r"holds no tensors of a model \(its keys: 'meta'\)$"),
        (dict(), r'its keys: none'),
        (dict(state_dict=[torch.ones(2)]), r"its 'state_dict' is a list without any\)$"),
        (
            dict(state_dict={}, ema=dict(weight=torch.ones(2))),
            r"is a dict without any\); 'ema' looks like",
        ),
        (b'', r'is empty \(0 bytes\)$'),
        (None, r'is a folder; name a file in it$'),
    ],
    ids=['model', 'meta', 'nothing', 'a list', 'ema', 'no bytes', 'a folder'],
)
@pytest.mark.parametrize('load', [load_teacher_weights, load_student_weights])
def test_a_checkpoint_without_a_models_tensors_is_named_with_what_it_holds(tmp_path, content, message, load):
    path = tmp_path / 'a.pth'
    if content is None:
        path.mkdir()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(CheckpointError, match=rf'{KEY}.*a\.pth.*{message}'):
        load(torch.nn.Linear(2, 2), str(path), KEY)


def test_a_student_takes_what_fits_and_the_log_says_what_does_not(tmp_path, caplog):
    source = small(num_classes=6)
    torch.save(source.state_dict(), tmp_path / 'a.pth')
    student = small()
    head = student.cls_head.fc_cls.weight.clone()
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    with caplog.at_level(logging.INFO, logger=logger.name):
        matched, total = load_student_weights(student, str(tmp_path / 'a.pth'), 'model.student.checkpoint')
    assert total == len(student.state_dict()) and matched == total - 2
    assert torch.equal(student.backbone.layer4[1].conv2.conv.weight, source.backbone.layer4[1].conv2.conv.weight)
    assert torch.equal(student.cls_head.fc_cls.weight, head)
    logger.removeHandler(caplog.handler)
    assert f'{matched}/{total} tensors loaded' in caplog.text
    assert 'cls_head.fc_cls.weight: (6, 64) in the file, (4, 64) here' in caplog.text


def test_a_student_checkpoint_of_which_nothing_fits_is_an_error(tmp_path):
    torch.save({'net.weight': torch.ones(2)}, tmp_path / 'a.pth')
    with pytest.raises(CheckpointError, match='model.student.checkpoint=.*none of its 1 tensors fits'):
        load_student_weights(small(), str(tmp_path / 'a.pth'), 'model.student.checkpoint')
