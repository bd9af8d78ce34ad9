"""What is told of labels and of names of classes before a training or a test; errors are in ``test_preflight.py``."""

from unittest import mock

import pytest
from tiny import build_distiller

from mmdualkd.datasets import VideoDataset
from mmdualkd.hooks import labels
from mmdualkd.hooks.labels import check_labels


@pytest.mark.parametrize('lines, count', [('a.avi\nb.avi\n', 2), ('a.avi\nb.avi 1\n', 1), ('a.avi 0\nb.avi 1\n', 0)])
def test_samples_of_a_test_that_have_no_label_are_said_to_count_as_wrong(tmp_path, lines, count):
    (tmp_path / 'list.txt').write_text(lines)
    for name in ('a.avi', 'b.avi'):
        (tmp_path / name).touch()
    dataset = VideoDataset(str(tmp_path / 'list.txt'), [], data_prefix=dict(video=str(tmp_path)), test_mode=True)
    with mock.patch.object(labels, 'print_log') as told:
        check_labels(dataset, 'test', 'test_dataloader.dataset', build_distiller(tmp_path))
    said = [call.args[0] for call in told.call_args_list]
    wanted = f'test_dataloader.dataset: {count} of 2 samples have the label -1 and count as wrong'
    assert said == ([wanted] if count else [])


@pytest.mark.parametrize('names', ['a b c d', 'a a b c d'])
def test_names_of_another_number_of_classes_than_the_model_has_are_told(tmp_path, names):
    (tmp_path / 'list.txt').write_text(''.join(f'{label}.avi {label}\n' for label in range(4)))
    (tmp_path / 'classes.txt').write_text(names.replace(' ', '\n'))
    for label in range(4):
        (tmp_path / f'{label}.avi').touch()
    dataset = VideoDataset(str(tmp_path / 'list.txt'), [], data_prefix=dict(video=str(tmp_path)))
    with mock.patch.object(labels, 'print_log') as told:
        check_labels(dataset, 'train', 'train_dataloader.dataset', build_distiller(tmp_path))
    said = [call.args[0].partition(':')[0] for call in told.call_args_list]
    wanted = 'train_dataloader.dataset names 5 classes, and the model has 4'
    assert said == ([wanted] if 'a a' in names else [])
