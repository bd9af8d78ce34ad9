"""What teachers know, measured."""

import pytest
import torch
from commands import texts
from mmengine.dataset import default_collate
from mmengine.registry import DATASETS, MODELS, init_default_scope
from picture_jobs import picture_job, resnet, write_pictures

from mmdualkd.checks.teachers import judge

CLASSES = ['run', 'walk', 'jump', 'climb']


@pytest.fixture(scope='module')
def job(tmp_path_factory):
    """A distillation of pictures whose teacher has learned them."""
    folder = tmp_path_factory.mktemp('teachers')
    job = picture_job(folder, f'val_dataloader["dataset"]["data_prefix"] = {str(folder / "val")!r}\n', teacher=resnet())
    write_pictures(folder / 'val', per_class=3, size=36)
    torch.manual_seed(0)
    init_default_scope('mmpretrain')
    pipeline = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]
    data = dict(type='mmdualkd.CustomDataset', data_prefix=str(folder / 'pictures'), pipeline=pipeline)
    dataset = DATASETS.build(data)
    model = MODELS.build({'_scope_': 'mmpretrain', **resnet()}).train()
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    batch = default_collate([dataset[index] for index in range(len(dataset))])
    for _ in range(30):
        optimizer.zero_grad()
        loss = model(**model.data_preprocessor(batch, training=True), mode='loss')['loss']
        loss.backward()
        optimizer.step()
    assert loss < 0.1
    torch.save(model.state_dict(), folder / 'teacher.pth')
    return job


def test_a_teacher_that_knows_the_data_is_fine(job, check):
    _, found = check(job.config)
    assert texts(found, 'fine', 'teacher teacher') == 'top-1 100.0% on 8 training samples, chance is 50.0%'


def test_a_teacher_that_has_the_classes_in_another_order_is_an_error(job, check, tmp_path):
    state = torch.load(job.config.parent / 'teacher.pth', weights_only=True)
    for name in ('head.fc.weight', 'head.fc.bias'):
        state[name] = state[name].flip(0)
    torch.save(state, tmp_path / 'flipped.pth')
    option = f'model.teachers.teacher.checkpoint={tmp_path / "flipped.pth"}'
    code, found = check(job.config, '--samples', 20, '--cfg-options', option)
    # 8 pictures of 2 classes are too few to be sure, 10 are not
    assert 'less than guessing gives, as if its classes stood in another order' in texts(
        found, 'warning', 'teacher teacher'
    )
    write_pictures(job.config.parent / 'pictures', per_class=5)
    code, found = check(job.config, '--cfg-options', option)
    text = texts(found, 'error', 'teacher teacher')
    assert code == 1 and 'top-1 0.0% on 10 training samples' in text and 'but 100.0% in another order' in text
    assert 'it takes class 0 (class0) for 1 (class1)' in text
    _, found = check(job.config, '--samples', 3, '--cfg-options', option)
    assert 'on 3 training samples' in texts(found, 'warning', 'teacher teacher')


def test_no_order_is_read_from_few_samples_or_wrong_answers():
    labels = torch.arange(4).repeat(16)
    torch.manual_seed(0)
    assert judge('t', labels, labels, 4, CLASSES).level == 'fine'
    assert judge('t', torch.randint(4, (64,)), labels, 4, CLASSES).level == 'warning'
    assert judge('t', torch.zeros(64, dtype=torch.long), labels, 4, CLASSES).level == 'warning'
    moved = judge('t', (labels + 1) % 4, labels, 4, CLASSES)
    assert moved.level == 'error' and 'class 0 (run) for 1 (walk)' in moved.text
    few = torch.arange(50)
    assert judge('t', few.flip(0), few, 50, []).level == 'warning'


def test_a_teacher_that_knows_nothing_has_no_other_order():
    labels = torch.tensor([0] * 80 + [1] * 20)  # always the rare class: right nowhere, in the other order nearly always
    assert judge('t', torch.ones(100, dtype=torch.long), labels, 2, CLASSES).level == 'warning'
    assert judge('t', 1 - labels, labels, 2, CLASSES).level == 'error'
    pair = torch.tensor([0] * 5 + [1] * 5)
    guessed = torch.tensor([1, 1, 1, 1, 0, 0, 0, 0, 1, 1])  # 7 of 10 wrong: one in six guesses as badly
    assert judge('t', guessed, pair, 2, CLASSES).level == 'warning'


def test_two_exchanged_classes_of_a_good_teacher_are_named():
    labels = torch.arange(10).repeat(8)
    names = [f'c{label}' for label in range(10)]
    answers = labels.clone()
    answers[labels == 3], answers[labels == 7] = 7, 3
    found = judge('t', answers, labels, 10, names)
    assert found.level == 'error' and 'top-1 80.0%' in found.text
    assert 'it takes class 3 (c3) for 7 (c7), it takes class 7 (c7) for 3 (c3)' in found.text
    circle = torch.where(labels < 3, (labels + 1) % 3, labels)  # three, in a circle, and one answer in eight is right
    circle[:3] = labels[:3]
    assert 'it takes class 2 (c2) for 0 (c0)' in judge('t', circle, labels, 10, names).text
    # what is no exchange: too few samples, half of them, in one direction alone
    few = torch.arange(80) < 40
    assert judge('t', answers[few], labels[few], 10, names).level == 'fine'
    half = torch.where(torch.arange(80) < 40, answers, labels)
    assert judge('t', half, labels, 10, names).level == 'fine'
    assert judge('t', torch.where(labels == 3, 7, labels), labels, 10, names).level == 'fine'


def test_no_exchange_is_seen_where_a_coin_could_have_thrown_it():
    labels = torch.tensor([0] * 10 + [1] * 10 + [2] * 10)
    answers = torch.tensor([0] * 3 + [1] * 7 + [1] * 3 + [0] * 7 + [2] * 10)  # 14 of 20: one coin in seventeen
    assert judge('t', answers, labels, 3, CLASSES).level == 'fine'
    circle = torch.arange(30) % 7  # of four samples a class
    answers = torch.where(circle < 3, (circle + 1) % 3, circle)
    assert judge('t', answers[:28], circle[:28], 7, []).level == 'fine'


def test_a_little_more_than_chance_may_be_luck():
    labels = torch.arange(10).repeat(7)[:64]
    answers = (labels + 1 + torch.arange(64) // 10) % 10  # wrong everywhere, each in another way
    for right, level in ((10, 'warning'), (13, 'fine')):  # 15.6 and 20.3 %; two standard errors end at 18.4
        some = torch.where(torch.arange(64) < right, labels, answers)
        assert judge('t', some, labels, 10, []).level == level


def test_chance_is_the_largest_class():
    labels = torch.tensor([0] * 60 + [1] * 4)
    found = judge('t', torch.zeros(64, dtype=torch.long), labels, 2, CLASSES)
    assert found.level == 'warning' and 'top-1 93.8%' in found.text and 'chance is 93.8%' in found.text
