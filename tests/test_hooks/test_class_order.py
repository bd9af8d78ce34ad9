"""Classes of a teacher and of the data that have one number and another order: training on them would be silent."""

import json

import pytest
from distill_jobs import distill_job
from helpers import TOOLS, run
from tiny import resnet3d

NAMED = """
for loader in (train_dataloader, val_dataloader):
    loader['dataset']['type'] = 'mmdualkd.VideoDataset'
"""


@pytest.fixture(scope='module')
def taught(tmp_path_factory):
    """The work directory of a distillation on the classes 'run' and 'walk'."""
    job = distill_job(tmp_path_factory.mktemp('taught'), NAMED, epochs=1)
    (job.config.parent / 'clips' / 'classes.txt').write_text('run\nwalk\n')
    run(TOOLS / 'train.py', job.config)
    return job.work_dir


@pytest.mark.parametrize('file', ['epoch_1.pth', 'student_epoch_1.pth'])
def test_a_student_of_ours_teaches_its_own_classes_in_their_order_alone(taught, tmp_path, file):
    model = resnet3d(4, 2, norm='GN')
    teacher = f"model['teachers']['cnn'].update(config={model!r}, checkpoint={str(taught / file)!r})\n"
    job = distill_job(tmp_path, NAMED + teacher, epochs=1)
    classes = job.config.parent / 'clips' / 'classes.txt'
    classes.write_text('walk\nrun\n')
    message = run(TOOLS / 'train.py', job.config, ok=False).splitlines()[-1]
    assert 'DataError: model.teachers.cnn was trained on the classes of ' in message
    assert "class 0 is 'run' there and 'walk' here" in message and not list(job.work_dir.glob('*.pth'))
    classes.write_text('run\nwalk\n')
    run(TOOLS / 'train.py', job.config)
    assert len([json.loads(line) for line in (job.work_dir / 'losses_0.json').open()]) == 2
