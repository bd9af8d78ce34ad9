"""From a folder of one's own videos or pictures to a distilled student, by leaves of four lines."""

import re
from pathlib import Path

import pytest
from helpers import ROOT, TOOLS, run, write_clips
from jobs import Job
from picture_jobs import write_pictures

OWN = ROOT / 'configs' / 'own'
LEAF = """
_base_ = 'mmdualkd::own/{base}'
num_classes = 2
data_root = {root!r}
ann_file_train = {lists!r} + '/train.txt'
ann_file_val = {lists!r} + '/val.txt'
"""
QUICK = [
    'train_cfg.max_epochs=1',
    'train_cfg.val_interval=1',
    'default_hooks.logger.interval=1',
    *(
        f'{split}_dataloader.{key}'
        for split in ('train', 'val')
        for key in ('num_workers=0', 'persistent_workers=False')
    ),
    'train_dataloader.batch_size=3',
    'val_dataloader.batch_size=2',
]


@pytest.fixture(scope='module')
def videos(tmp_path_factory):
    """A folder of two classes with spaces in their names, and the lists that the tool makes of it."""
    folder = tmp_path_factory.mktemp('my videos')
    write_clips(folder, classes=2, per_class=4, frames=20, size=72)
    for label, name in enumerate(['push hard', 'wave']):
        (folder / 'videos' / name).mkdir(parents=True)
        for index in range(4):
            (folder / f'class{label}_{index}.avi').rename(folder / 'videos' / name / f'clip {index}.avi')
    run(TOOLS / 'make_annotations.py', folder / 'videos', '--out', folder / 'lists')
    return folder


def job(folder, base, name, root='videos', lists='lists', extra=''):
    """A leaf of the user's own."""
    config = folder / f'{name}.py'
    config.write_text(LEAF.format(base=base, root=str(folder / root), lists=str(folder / lists)) + extra)
    return Job(config, folder / 'work_dirs' / name)


def train(job, *options, **kwargs):
    """The output of a training of a step or two."""
    return run(TOOLS / 'train.py', job.config, '--work-dir', job.work_dir, '--cfg-options', *QUICK, *options, **kwargs)


@pytest.fixture(scope='module')
def distillation(videos):
    """A student's leaf on two teachers that were trained on these videos."""
    paths = {}
    for kind in ('vit', 'cnn'):
        base = next((OWN / 'videos').glob(f'teacher_{dict(vit="uniformer", cnn="resnet3d18")[kind]}*.py'))
        teacher = job(videos, f'videos/{base.name}', f'teacher_{kind}')
        train(teacher)
        paths[kind] = str(teacher.work_dir / 'epoch_1.pth')
    base = next((OWN / 'videos').glob('dualkd_uniformer*.py'))
    teachers = ', '.join(f'{kind}=dict(checkpoint={path!r})' for kind, path in paths.items())
    return f'videos/{base.name}', f'model = dict(teachers=dict({teachers}))\n'


def test_leaves_of_a_few_lines_train_teachers_and_student_on_ones_own_videos(videos, distillation):
    student = job(videos, distillation[0], 'student', extra=distillation[1])
    output = train(student)
    assert 'acc/top1' in output and (student.work_dir / 'student_epoch_1.pth').is_file()
    dumped = (student.work_dir / 'student.py').read_text()
    assert dumped.count(str(videos / 'lists' / 'val.txt')) == 3  # its own key, val's and test's data set
    assert 'data/videos' not in dumped and 'data/annotations' not in dumped


def test_teachers_that_know_the_classes_in_another_order_are_refused(videos, distillation):
    for file in ('train.txt', 'val.txt', 'classes.txt'):
        text = (videos / 'lists' / file).read_text()
        swapped = re.sub(r' ([01])$', lambda match: f' {1 - int(match[1])}', text, flags=re.M)
        turned = ''.join(f'{line}\n' for line in reversed(text.splitlines()))
        (videos / 'swapped').mkdir(exist_ok=True)
        (videos / 'swapped' / file).write_text(turned if file == 'classes.txt' else swapped)
    student = job(videos, distillation[0], 'swapped_student', lists='swapped', extra=distillation[1])
    message = train(student, ok=False).splitlines()[-1]
    assert re.search(r'DataError: model\.teachers\.\w+ was trained on the classes of .* in another order: ', message)
    assert "class 0 is 'push hard' there and 'wave' here" in message


def test_a_leaf_trains_on_a_list_of_ones_own_pictures_and_on_folders(tmp_path):
    write_pictures(tmp_path / 'videos' / 'train', per_class=5, size=40)
    write_pictures(tmp_path / 'videos' / 'val', per_class=1, size=300)
    run(TOOLS / 'make_annotations.py', tmp_path / 'videos' / 'train', '--out', tmp_path / 'lists', '--pictures')
    base = next((OWN / 'pictures').glob('resnet18*.py'))
    small = 'model = dict(student=dict(config=_base_.model.student.config, checkpoint=None))\n'
    listed = job(tmp_path, f'pictures/{base.name}', 'listed', root='videos/train', extra=small)
    assert 'accuracy/top1' in train(listed, 'train_dataloader.batch_size=2')
    folders = job(tmp_path, f'pictures/{base.name}', 'folders')
    prefixes = "data_prefix_{0} = {1!r}\nann_file_{0} = ''\n"
    text = ''.join(prefixes.format(split, str(tmp_path / 'videos' / split)) for split in ('train', 'val'))
    folders.config.write_text(f"_base_ = 'mmdualkd::own/pictures/{base.name}'\nnum_classes = 2\n{text}{small}")
    assert 'accuracy/top1' in train(folders, 'train_dataloader.batch_size=2')


@pytest.mark.parametrize(
    'text, message', [("data_rot = 'x'", "did you mean 'data_root'?"), ('anne = 1', 'nothing reads it')]
)
def test_a_slip_in_such_a_leaf_is_one_line(videos, text, message):
    base = next((OWN / 'videos').glob('x3d-s*.py'))
    output = run(TOOLS / 'train.py', job(videos, f'videos/{base.name}', 'slip', extra=text).config, ok=False)
    assert message in output.splitlines()[-1] and 'Traceback' not in output


def test_the_lists_have_no_path_of_another_class(videos):
    lines = (videos / 'lists' / 'train.txt').read_text().splitlines()
    assert all(Path(line.rsplit(' ', 1)[0]).parent.name == ['push hard', 'wave'][int(line[-1])] for line in lines)
