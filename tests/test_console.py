"""What a user reads while a job runs; all of MMEngine's log is in the file."""

import bisect
import errno
import io
import logging
import re
import sys
from types import SimpleNamespace

import pytest
from distill_jobs import distill_job
from helpers import TOOLS, run
from jobs import stock_job
from mmengine.logging import MMLogger, print_log
from mmengine.runner.utils import calc_dynamic_intervals
from picture_jobs import picture_job

from mmdualkd.console import plan
from mmdualkd.console.handlers import only_in_the_file, plainly
from mmdualkd.console.progress import validations_left, weights_line

LOGGED = "log_level = 'INFO'\ndefault_hooks['checkpoint'].update(save_best='auto')\n"
CLOCK = r'\d\d:\d\d:\d\d  '


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    job = distill_job(tmp_path_factory.mktemp('job'), LOGGED)
    job.output = run(TOOLS / 'train.py', job.config, '--seed', 3, cwd=job.config.parent, fresh=True)
    return job


def plan_of(output):
    """The lines before the first with a time."""
    return re.split(rf'^{CLOCK}', output, maxsplit=1, flags=re.M)[0].splitlines()


def test_some_twenty_lines_say_what_is_about_to_happen(trained):
    plan = plan_of(trained.output)
    assert len(plan) < 25
    text = '\n'.join(plan)
    folder = trained.config.parent
    for part in (
        rf'^data    train  8 samples  of 2 classes  {folder}/clips/annotation.txt$',
        rf'^        val    8 samples  of 2 classes  {folder}/clips/annotation.txt$',
        r'^models  student  Recognizer3D \(ResNet3d\) +[\d,]+ parameters  from random weights$',
        r'^        vit +Recognizer3D \(ResNet3d\) +[\d,]+ parameters  all \d+ tensors from .*/vit.pth$',
        r'^        cnn +Recognizer3D \(ResNet3d\) +[\d,]+ parameters  all \d+ tensors from .*/cnn.pth$',
        r'^        beside +trained with the student +[\d,]+ parameters +of sdd$',
        r"^loss    the student's own CrossEntropyLoss \+ 1 x kd \(FusedKD by DATW\) \+ 1 x sdd \(SDD\) \+ 1 x rkd",
        r'^plan    2 epochs of 2 batches of 4$',
        r'^        SGD, learning rate up to 0.02 \(MultiStepLR\)$',
        r'^        validation on 8 batches after each epoch$',
        r'^device  .*float32, no workers, seed 3$',
        r'^files   work_dir$',
        r'^        all of the log, with environment and config: work_dir/(\w+)/\1\.log$',
    ):
        assert re.search(part, text, re.M), f'{part}\n{text}'


def test_a_line_an_interval_and_one_a_validation_follow(trained):
    lines = re.findall(rf'^{CLOCK}(.*)$', trained.output, re.M)
    number = r'[\d.e+-]+'
    step = (
        rf'epoch (\d)/2 (\d)/2  loss {number} \(cls {number}, kd {number}, sdd {number}, rkd {number}\)  '
        rf'top-1 % student \d+, vit \d+, cnn \d+  weight vit {number}, cnn {number}  lr 0.02  {number} s a step, '
        rf'{number} of it for data  (?:{number} GB  )?\d:\d\d:\d\d left'
    )
    steps = [match.groups() for line in lines if (match := re.fullmatch(step, line))]
    assert steps == [('1', '1'), ('1', '2'), ('2', '1'), ('2', '2')], trained.output
    best = r'; the best so far: work_dir/best_acc_top1_epoch_1\.pth'
    metrics = r'acc/top1: [\d.]{6}  acc/top5: 1.0000  acc/mean1: [\d.]{6} \(0:00:\d\d\)'
    assert re.fullmatch(f'validation after epoch 1: {metrics}{best}', lines[2])
    assert re.match(f'validation after epoch 2: {metrics}', lines[5])
    assert re.fullmatch(r'trained: epoch 2 in 0:00:\d\d; work_dir/best_.*\.pth and work_dir/epoch_2\.pth', lines[6])
    assert len(lines) == 7 and trained.output.endswith(f'{lines[6]}\n')


def test_the_file_has_all_of_mmengines_log_and_the_console_none_of_it(trained):
    log = trained.log()
    for part in (
        'System environment:',
        'Config:\n',
        'Hooks will be executed',
        'Epoch(train)',
        'Epoch(val)',
    ):
        assert part in log and part not in trained.output
    assert 'models  student' in log and 'top-1 %' not in log  # its lines of intervals are MMEngine's
    assert 'batch_acc/vit: ' in log
    assert not re.search(r'UserWarning|mmengine -|INFO|deprecated', trained.output), trained.output


def test_a_test_says_what_it_tests_on_what_and_the_result(trained, tmp_path):
    words = (trained.config, trained.work_dir / 'student_epoch_2.pth', '--work-dir', tmp_path)
    lines = run(TOOLS / 'test.py', *words).splitlines()
    assert len(lines) < 11
    assert sum('has learned from 8 of the 8 samples of' in line for line in lines) == 1  # it tests on what it trains on
    assert re.search(r'^data    test  8 samples  of 2 classes  .*annotation.txt$', '\n'.join(lines), re.M)
    assert re.search(r'^model   Recognizer3D .* all \d+ tensors from .*/student_epoch_2.pth$', '\n'.join(lines), re.M)
    assert re.fullmatch(rf'{CLOCK}test: acc/top1: .* \(8 samples, 0:00:\d\d\)', lines[-1])


def test_terms_that_weigh_teachers_differently_are_told_apart():
    figures = {'kd/weight_vit': 0.25, 'kd/weight_cnn': 0.75, 'kd/weight_vit_std': 0.1, 'hints/weight_cnn': 1.0}
    assert weights_line(figures, ('vit', 'cnn')) == ['weight of kd: vit 0.25, cnn 0.75', 'weight of hints: cnn 1.00']
    alike = {'kd/weight_vit': 0.25, 'kd/weight_cnn': 0.75, 'hints/weight_vit': 0.248, 'hints/weight_cnn': 0.752}
    assert weights_line(alike, ('vit', 'cnn')) == ['weight vit 0.25, cnn 0.75']
    assert not weights_line({'kd/target_entropy': 1.0}, ('vit', 'cnn'))


def test_a_resumed_run_and_one_from_weights_say_so(trained, tmp_path):
    more = ('--no-validate', '--cfg-options', 'train_cfg.max_epochs=3')
    text = run(TOOLS / 'train.py', trained.config, '--resume', trained.work_dir / 'epoch_2.pth', *more)
    assert re.search(r'^models  student .* resumed from .*/epoch_2.pth$', text, re.M)
    assert '3 epochs of 2 batches of 4; 4 of 6 iterations are done' in text and '        no validation\n' in text
    load = f'load_from={trained.work_dir / "student_epoch_2.pth"}'
    text = run(TOOLS / 'train.py', trained.config, '--work-dir', tmp_path, *more, load)
    assert re.search(r'^models  student .* (\d+) of \1 tensors from .*/student_epoch_2.pth \(load_from\)$', text, re.M)


def test_pictures_with_a_loop_of_iterations_and_one_plain_model_are_told_alike(tmp_path):
    loop = (
        "train_cfg = dict(type='IterBasedTrainLoop', max_iters=3, val_interval=3)\n"
        "train_dataloader['sampler'] = dict(type='InfiniteSampler')\nparam_scheduler = None\n"
        "default_hooks['checkpoint'].update(by_epoch=False, interval=3)\n"
        'log_processor = dict(by_epoch=False)\n'
    )
    job = picture_job(tmp_path / 'pictures', f'{LOGGED}{loop}')
    output = run(TOOLS / 'train.py', job.config)
    assert re.search(r'^data    train  [\d,]+ pictures  of \d+ classes \(', output, re.M)
    assert re.search(rf'^{CLOCK}iteration 3/3  loss .*  top-1 % student \d+, teacher \d+', output, re.M), output
    job = stock_job(tmp_path / 'plain', epochs=1)
    output = run(TOOLS / 'train.py', job.config, '--cfg-options', 'log_level=INFO')
    assert re.search(r'^models  Recognizer3D \(ResNet3d\)  [\d,]+ parameters  from random weights$', output, re.M)
    assert "the model's own CrossEntropyLoss\n" in output and 'top-1 % top1_acc ' not in output
    assert re.search(rf'^{CLOCK}epoch 1/1 2/2  loss [\d.]+  top-1 % \d+  lr ', output, re.M), output


@pytest.mark.parametrize(
    'changes', [(1, None), (4, None), (1, [(5, 2), (9, 4)]), (7, [(2, 1), (6, 5)]), (1, [(40, 1)])]
)
@pytest.mark.parametrize('end', [11, 12])
def test_validations_that_are_left_are_those_that_mmengine_makes(changes, end):
    begin, dynamic = changes
    milestones, intervals = calc_dynamic_intervals(3, dynamic)

    def validates(epoch):  # as EpochBasedTrainLoop.run has it
        interval = intervals[bisect.bisect(milestones, epoch + 1) - 1]
        return epoch >= begin and (epoch % interval == 0 or epoch == end)

    loop = SimpleNamespace(dynamic_milestones=milestones, dynamic_intervals=intervals, val_begin=begin, max_epochs=end)
    for done in range(end + 1):
        assert validations_left(loop, done) == sum(validates(epoch) for epoch in range(done + 1, end + 1)), done
    told = next(plan._checks(SimpleNamespace(train_loop=loop, val_loop=SimpleNamespace(dataloader=[0]))))
    assert told.startswith('validation on 1 batches after each 3 epochs')
    assert (f'; none before epoch {begin}' in told) == (begin > 1)
    assert dynamic is None or f', from epoch {dynamic[0][0] - 1} on after each ' in told


@pytest.fixture
def logger(tmp_path):
    """Makes a logger as a runner makes it, and reads its file."""

    def make(level='INFO'):
        made = plainly(MMLogger.get_instance(str(tmp_path), log_file=str(tmp_path / 'log.log'), log_level=level))
        return made, tmp_path / 'log.log'

    return make


def speak():
    """Something that a library logs, and something that the user's own code does."""
    code = compile("print_log('of a library', logger='current')", 'library.py', 'exec')
    exec(code, dict(__name__='mmengine.hooks.some_hook', print_log=print_log))
    print_log('of the user', logger='current')
    print_log('look out', logger='current', level=logging.WARNING)
    print_log('"FileClient" will be deprecated in future', logger='current', level=logging.WARNING)


def test_what_the_users_own_code_logs_reaches_the_console_as_warnings_do(logger, capsys):
    _, file = logger()
    speak()
    assert capsys.readouterr().out == 'of the user\nwarning: look out\n'
    said = file.read_text()
    assert all(part in said for part in ('of a library', 'of the user', 'WARNING - look out', '"FileClient"'))


def test_with_debug_the_console_has_all_of_it(logger, capsys):
    logger('DEBUG')
    speak()
    assert capsys.readouterr().out.startswith('of a library\nof the user\n')


def test_what_is_only_for_the_file_is_only_there(logger, capsys):
    made, file = logger()
    assert only_in_the_file('a traceback') == made.log_file == str(file)
    assert capsys.readouterr().out == '' and 'a traceback' in file.read_text()


class Full(io.StringIO):
    """A file on a full disk."""

    def write(self, text):
        raise OSError(errno.ENOSPC, 'No space left on device')


def test_a_log_file_that_has_no_room_is_told_of_once_and_stops_nothing(tmp_path, capsys):
    logger, handler = logging.Logger('full'), logging.FileHandler(tmp_path / 'a.log')
    handler.setStream(Full())
    logger.addHandler(handler)
    plainly(logger)
    for number in range(3):
        logger.info('line %d', number)
    said = f"warning: '{tmp_path}/a.log' cannot be written (No space left on device)\n"
    assert capsys.readouterr().err == said


def test_where_neither_output_nor_errors_have_room_what_runs_goes_on(monkeypatch):
    monkeypatch.setattr(sys, 'stderr', Full())
    logger = logging.Logger('full')
    logger.addHandler(logging.StreamHandler(Full()))
    plainly(logger).info('a line')
