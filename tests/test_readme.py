"""README and docs hold what they print: configs build, commands parse, messages are raised."""

import importlib.util
import inspect
import json
import re
import shlex
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from helpers import ROOT, TOOLS, without_random_numbers, write_clips
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from mmengine.registry import DefaultScope, init_default_scope
from seeded_job import runner as video_job
from tiny import batch, resnet3d, save_model
from tiny_pictures import build_plain, cnn

from mmdualkd import compat, endings
from mmdualkd.cache.description import check_data
from mmdualkd.cli.main import SCRIPTS, build_parser
from mmdualkd.distillers import base
from mmdualkd.distillers.terms import Terms
from mmdualkd.errors import DistillError
from mmdualkd.hooks.class_order import check_teacher_classes
from mmdualkd.hooks.preflight import check_top_keys, hand_views
from mmdualkd.hooks.same_training import check_training
from mmdualkd.launch import load_config, read_config
from mmdualkd.registry import DATASETS, MODELS
from mmdualkd.settings import check_settings
from mmdualkd.stages import divide
from mmdualkd.study.file import read_study
from mmdualkd.top_keys import settle
from mmdualkd.unread import check_read
from mmdualkd.views import SampleViews, ViewPlan
from mmdualkd.workflow import distill
from mmdualkd.workflow.outcome import Distilled, Row
from mmdualkd.zoo import resolve
from mmdualkd.zoo.catalogue import MODELS as MODELS_BY_NAME
from mmdualkd.zoo.weights import load_teacher_weights

PAGES = [
    *(ROOT / name for name in ('README.md', 'CONTRIBUTING.md', 'configs/README.md')),
    *sorted(path for path in (ROOT / 'docs').rglob('*.md') if path.parent.name != 'api'),
]
BLOCKS = [
    (f'{page.relative_to(ROOT)}-{number}', language, text)
    for page in PAGES
    for number, (language, text) in enumerate(re.findall(r'^```(\w*)\n(.*?)^```$', page.read_text(), re.M | re.S))
]
DEMO = 'configs/demo/student_distilled.py'
# Blocks that are no config and no command line; which test runs them as they are printed.
RUN_ELSEWHERE = {
    'my_loss.py': 'here',
    'my_connector.py': 'here',
    'my_family.py': 'here',
    'my_dataset.py': 'here',
    'tiny.py; its clips': 'here',
    'study.comparison import describe': 'here',
    'mmdualkd.distill(': 'here',
    'ImageClassificationInferencer': 'here',
    'drn=$(': 'test_export_student.py',
}


def blocks(language, elsewhere=False):
    chosen = [(name, text) for name, kind, text in BLOCKS if kind == language]
    return [pytest.param(text, id=name) for name, text in chosen if any(w in text for w in RUN_ELSEWHERE) == elsewhere]


def block_with(word):
    """The one block of Python that has a word in it."""
    blocks = [text for _, language, text in BLOCKS if language == 'python']
    (text,) = [text for text in blocks if word in text.splitlines()[0] or f'import {word}' in text]
    return text


def test_every_block_is_of_a_kind_that_is_run():
    assert {language for _, language, _ in BLOCKS} == {
        'python',
        'shell',
        'text',
    }  # text: what was printed, by a run of its own
    assert len(blocks('python', elsewhere=True)) == 8 and len(blocks('shell', elsewhere=True)) == 1
    assert sum(language != 'text' for _, language, _ in BLOCKS) == sum(
        len(blocks(kind, where)) for kind in ('python', 'shell') for where in (False, True)
    )


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A folder that looks like the repository's root, to write into."""
    for name in ('configs', 'tools', 'mmdualkd'):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def arguments(tool, words, monkeypatch):
    """What a tool makes of a command line."""
    spec = importlib.util.spec_from_file_location(f'readme_{tool.stem}', tool)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    monkeypatch.syspath_prepend(str(tool.resolve().parent))
    monkeypatch.setattr(sys, 'argv', [str(tool), *words])
    spec.loader.exec_module(module)
    try:
        return module.parse_args()
    except SystemExit as error:
        pytest.fail(f'{tool.name} does not take {words}: {error}')


# Configs


def shapes_alone(distiller, dry_step=base.Distiller.dry_step):
    """The dry step of models of full size, without computing anything."""
    with torch.device('meta'):
        return dry_step(distiller.to('meta'))


@pytest.mark.parametrize('text', blocks('python'))
def test_a_config_is_loaded_and_built_as_it_is_printed(text, root, monkeypatch):
    name = re.match(r'# (\w+\.py)', text)[1]
    (root / name).write_text(text)
    for module in re.findall(r"'mmdualkd', '(my_\w+)'", text):
        (root / f'{module}.py').write_text(block_with(f'{module}.py'))
    cfg = read_config(name)
    check_settings(cfg)
    check_read(cfg, name, {})
    settle(cfg, name)
    loaded = []
    for place, load in ((resolve, 'load_teacher_weights'), (base, 'load_student_weights')):
        monkeypatch.setattr(place, load, lambda model, address, key: loaded.append(key))
    init_default_scope(cfg.default_scope)
    monkeypatch.setattr(base.Distiller, 'dry_step', shapes_alone)
    without_random_numbers(monkeypatch)
    model = MODELS.build(cfg.model)
    assert {f'model.teachers.{name}.checkpoint' for name in cfg.model.teachers} <= set(loaded)
    head = getattr(model.student, 'cls_head', None) or model.student.head
    assert head.num_classes == cfg.model.num_classes
    stated = re.search(r'num_classes = (\d+)', text)
    assert not stated or head.num_classes == int(stated[1])


@pytest.mark.parametrize('module', ['my_loss', 'my_connector'])
def test_a_loss_of_ones_own_trains_the_student(module, root):
    for name in (f'{module}.py', f'{module}_config.py'):
        (root / name).write_text(block_with(name))
    cfg = read_config(f'{module}_config.py')
    init_default_scope('mmaction')
    model = MODELS.build(cfg.model)
    model.init_weights()
    weights = {name: value.clone() for name, value in model.student.named_parameters()}
    data = batch(model.plan.num_frames, num_classes=10)
    optimizer = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
    log = model.train_step(data, optimizer)
    assert {'loss_cls', 'loss_mine', 'loss_kd'} <= set(log) and not {'loss_sdd', 'loss_rkd'} & set(log)
    assert 0 < log['loss_mine'] < float('inf')
    assert all(not value.equal(weights[name]) for name, value in model.student.named_parameters())


def test_a_study_and_what_its_intervals_cover_are_read_and_run_as_printed(root, capsys):
    (study,) = [text for _, _, text in BLOCKS if text.startswith('# tiny.py')]
    (root / 'tiny.py').write_text(study)
    assert [row.name for row in read_study(Path('tiny.py')).rows][:2] == ['Student alone', 'Full method']
    (coverage,) = [text for _, _, text in BLOCKS if 'study.comparison import describe' in text]
    exec(coverage.replace('1000', '2'), {})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 16 and all(0 <= float(line.split()[1]) <= 1 for line in lines)


def test_a_family_of_ones_own_is_divided_into_what_its_forward_gives(root):
    (root / 'my_family.py').write_text(block_with('my_family.py'))
    backbone, pictures = importlib.import_module('my_family').PlainNet().eval(), torch.randn(2, 3, 32, 32)
    division, features = divide(backbone), pictures
    for stage in division.stages:
        features = stage(features)
    assert torch.equal(division.finish(features)[0], backbone(pictures)[0])


def test_a_data_set_of_ones_own_gives_its_clips(root):
    (root / 'my_dataset.py').write_text(block_with('my_dataset.py'))
    (root / 'my_dataset_config.py').write_text(block_with('my_dataset_config.py'))
    lines = write_clips(root / 'clips', classes=2, per_class=1).read_text().splitlines()
    entries = [dict(video=line.split()[0], label=int(line.split()[1])) for line in lines]
    (root / 'train.json').write_text(json.dumps(entries))
    cfg = read_config('my_dataset_config.py')
    cfg.data_root, cfg.ann_file_train = 'clips', '../train.json'
    settle(cfg, 'my_dataset_config.py')
    dataset = DATASETS.build(dict(cfg.train_dataloader.dataset, pipeline=[]))
    assert [dataset[0]['label'], dataset[1]['label']] == [0, 1] and Path(dataset[0]['filename']).is_file()


DISTILLATIONS = [path for path in sorted((ROOT / 'configs').glob('*/*/*.py'))
                 if path.parts[-3] in ('dualkd', 'kd', 'hybrid') and 'assistant' not in path.name]  # fmt: skip


@pytest.mark.parametrize('path', DISTILLATIONS[::6], ids=lambda path: path.stem)
def test_terms_of_ones_own_replace_those_of_every_base(path, tmp_path, monkeypatch):
    own = block_with('my_loss_config.py').partition('model = ')[2].replace('LogitMSE', 'FusedKD')
    leaf = tmp_path / 'leaf.py'
    leaf.write_text(f'_base_ = {str(path)!r}\nmodel = {own}')
    model = Config.fromfile(leaf).model
    assert 'assistant' not in model
    seen = []

    def stop(terms, *args, **kwargs):
        seen.extend(Terms(terms, *args, **kwargs))
        raise StopIteration  # before any model

    monkeypatch.setattr(base, 'Terms', stop)
    with pytest.raises(StopIteration):
        base.Distiller(**{key: value for key, value in model.items() if key != 'type'})
    assert set(seen) == {'mine', 'kd'}


def test_an_exported_picture_student_is_served_as_printed(tmp_path, monkeypatch, capsys):
    model = cnn()
    (tmp_path / 'exported').mkdir()
    pipeline = [dict(type='LoadImageFromFile'), dict(type='Resize', scale=(32, 32)), dict(type='PackInputs')]
    cfg = dict(model=model, test_dataloader=dict(dataset=dict(pipeline=pipeline)), default_scope='mmpretrain')
    Config(cfg).dump(tmp_path / 'exported' / 'student.py')
    classes = dict(classes=['a', 'b', 'c', 'd'])
    weights = dict(state_dict=build_plain(model).state_dict(), meta=dict(dataset_meta=classes))
    torch.save(weights, tmp_path / 'exported' / 'student.pth')
    cv2.imwrite(str(tmp_path / 'picture.jpg'), np.zeros((32, 32, 3), np.uint8))
    monkeypatch.chdir(tmp_path)
    DefaultScope._instance_dict.clear()  # as in a new process
    exec(compile(block_with('ImageClassificationInferencer'), 'README.md', 'exec'), {})
    assert capsys.readouterr().out.strip().endswith(tuple(classes['classes']))  # behind a progress bar


def test_the_call_from_python_takes_and_gives_what_is_printed(monkeypatch, capsys):
    calls, signature = [], inspect.signature(distill.distill)

    def whole_run(*args, **kwargs):
        calls.append(signature.bind(*args, **kwargs).arguments)
        row = Row('student distilled', 83.0, 3_794_322, 2.97, 'x3d-s')
        run = Distilled(Path('run'), 'videos', ['a', 'b'], 10, {}, [row], {})
        vars(run)['student'] = torch.nn.Identity()
        return run

    monkeypatch.setattr('mmdualkd.workflow.distill.distill', whole_run)
    exec(compile(block_with('distil.py'), 'README.md', 'exec'), {})
    assert calls[0]['student'] in MODELS_BY_NAME['videos'] and set(calls[0]['teachers']) <= set(
        MODELS_BY_NAME['videos']
    )
    assert capsys.readouterr().out == f'83.0 {Path("run/export/student.pth")}\n'


# Commands


@pytest.mark.parametrize('text', blocks('shell'))
def test_a_command_names_what_is_there_and_its_tool_takes_its_flags(text, root, monkeypatch):
    for page_block in BLOCKS:  # configs and modules that the same pages have their readers write
        written = re.match(r'# (\w+\.py)', page_block[2])
        if written and ('_base_' in page_block[2] or 'register_module' in page_block[2]):
            (root / written[1]).write_text(page_block[2])
    for line in text.splitlines():
        for command in re.split(r'; (?=do|done)', line):
            words = shlex.split(command, comments=True)
            if words and words[0] == 'for':
                continue
            words = words[1:] if words and words[0] == 'do' else words
            if words and words != ['done']:
                check_command(words, monkeypatch)


def check_command(words, monkeypatch):
    """Fails if a command line could not be run as it stands."""
    if words[0] == 'PYTHONPATH=.':  # Python itself reads it
        words = words[1:]
    while re.match(r'[A-Z_]+=', words[0]):
        script = next(Path(word) for word in words if Path(word).is_file())
        code = script.read_text() + ''.join(path.read_text() for path in (ROOT / 'tools' / 'studies').glob('*.py'))
        assert words[0].partition('=')[0] in code, f'{script} reads no {words[0]}'
        words = words[1:]
    for word in words:
        if word.startswith(('configs/', 'tools/')) and 'CONFIG' not in word:
            assert (ROOT / word).exists(), f'{word} is not there'
    program, *rest = words
    if program == 'make':
        assert re.search(rf'^{rest[0]}:', (ROOT / 'Makefile').read_text(), re.M)
    elif program == 'tensorboard':
        assert rest == ['--logdir', 'work_dirs']
    elif program == 'pip':
        assert rest[0] == 'install' and set(rest[1:]) <= {
            'torch',
            'torchvision',
            'mmcv-lite==2.1.0',
            '.',
            'tensorboard',
        }
    elif program == 'mmdualkd' and rest[0] in SCRIPTS:
        check_tool(TOOLS / f'{SCRIPTS[rest[0]][0]}.py', rest[1:], monkeypatch)
    elif program == 'mmdualkd':
        args = build_parser().parse_args([DEMO if word == 'CONFIG' else word for word in rest])
        for name in [getattr(args, 'student', None), *(getattr(args, 'teachers', None) or ())]:
            assert name is None or any(name in models for models in MODELS_BY_NAME.values())
    else:
        assert program in ('python', 'bash'), f'a command of a new kind: {words}'
        check_tool(Path(rest[0]), rest[1:], monkeypatch)


def check_tool(tool, words, monkeypatch):
    """Parses a tool's command line, and loads the config that it names as the tool would."""
    words = [DEMO if word.endswith('CONFIG') else word for word in words]
    if tool.name.startswith('dist_'):
        count = words.pop(1 if tool.name == 'dist_train.sh' else 2)
        assert count.isdigit()
    elif tool.name == 'slurm_train.sh':
        words = words[2:]
    elif tool.name == 'make_annotations.py':
        Path(words[0]).mkdir(parents=True, exist_ok=True)
    name = dict(dist_train='train.py', dist_test='test.py', slurm_train='train.py').get(tool.stem, tool.name)
    args = arguments(
        tool if tool.parent.name == 'benchmarks' else TOOLS / name,
        [re.sub(r'\$\w+', '1', word) for word in words],
        monkeypatch,
    )
    for config in args.config if isinstance(getattr(args, 'config', None), list) else [None]:
        args.config = config or getattr(args, 'config', None)
        if hasattr(args, 'launcher'):
            assert load_config(args).model


# What you see when something goes wrong


def recognizer(classes):
    return MODELS.build({'_scope_': 'mmaction', **resnet3d(4, classes)})


def raises_classes(tmp_path):
    save_model(resnet3d(4, 400), tmp_path / 'a.pth')
    load_teacher_weights(recognizer(51), str(tmp_path / 'a.pth'), 'model.teachers.vit.checkpoint')


def raises_name(tmp_path):
    terms = dict(rkd=dict(type='RKD', teacher='vti'))
    MODELS.build(
        dict(type='mmdualkd.DualTeacherDistiller', student={}, views={}, teachers=dict(vit={}, cnn={}), terms=terms)
    )


def raises_key(tmp_path):
    (tmp_path / 'a.py').write_text(f'_base_ = {str(ROOT / DEMO)!r}\ntrain_cfg = dict(max_epoch=1)')
    check_settings(Config.fromfile(tmp_path / 'a.py'))


def raises_class_count(tmp_path):
    leaf = next((ROOT / 'configs' / 'dualkd' / 'hmdb51').glob('dualkd_*.py'))
    (tmp_path / 'a.py').write_text(f'_base_ = {str(leaf)!r}\nnum_classes = 12')
    job = type('Job', (), dict(cfg=Config.fromfile(tmp_path / 'a.py')))  # what MMAction2's own tools have
    check_top_keys(job, recognizer(51))


def raises_views(tmp_path):
    view = dict(clip_len=4, size=32)
    dataset = type('Data', (), {})()
    dataset.pipeline = type('Pipeline', (), dict(transforms=[SampleViews(views=dict(student=view))]))
    plan = ViewPlan(dict(student=dict(view, clip_len=8)), key='model.views')
    hand_views(dataset, plan, 'the train pipeline', started=False)


def raises_no_views(tmp_path):
    SampleViews().transform({})


def raises_another_training(tmp_path):
    model = recognizer(4)
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
    loop = dict(train_loop=None, train_dataloader=[], param_schedulers=None)
    setting = dict(optim_wrapper=wrapper, _resume=True, _load_from='a.pth', cfg={}, **loop)
    runner = type('Runner', (), dict(model=recognizer(5), **setting))
    state = dict(state_dict=model.state_dict(), optimizer=wrapper.state_dict(), message_hub={})
    check_training(runner, state)


def raises_classes_in_another_order(tmp_path):
    teacher = recognizer(2)
    teacher._dataset_meta = dict(classes=['walk', 'run'])
    check_teacher_classes(dict(vit=teacher), ('train.txt', ['run', 'walk']))


def raises_cache_of_other_data(tmp_path):
    there, here = (dict(settings={'dataset.pipeline.3.size': size}, count=8) for size in (24, 20))
    check_data(dict(data=dict(parts=[there])), [here], "model.teacher_cache='work_dirs/teachers'")


def raises_videos(tmp_path):
    clips = write_clips(tmp_path / 'clips')
    for video in list(clips.parent.glob('*.avi'))[:2]:
        video.write_bytes(b'')
    video_job(tmp_path / 'job', clips, max_epochs=1).train()


def raises_pkg_resources(tmp_path):
    find = importlib.util.find_spec
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importlib.util, 'find_spec', lambda name, *rest: name != 'pkg_resources' and find(name) or None)
        compat.versions.check_pkg_resources()


def raises_shortage(tmp_path):
    raise endings._shortage(torch.OutOfMemoryError('CUDA out of memory. Tried to allocate 2.00 GiB'))


def raises_divergence(tmp_path):
    hooks = [dict(type='mmdualkd.CheckFiniteHook')]
    job = video_job(tmp_path / 'job', write_clips(tmp_path / 'clips'), max_epochs=1, hooks=hooks)
    job.model.loss = lambda inputs, data_samples: dict(loss_sdd=torch.tensor(torch.nan, requires_grad=True))
    job.train()


RAISERS = dict(
    zip(
        ('has 400 classes', 'names no teacher', 'samples the views', 'max_epoch:', 'does not reach', 'did not decode',
         'pkg_resources', 'has no views', 'another training', 'another order', 'teacher_cache', 'MemoryShortage',
         'Divergence'),
        (raises_classes, raises_name, raises_views, raises_key, raises_class_count, raises_videos,
         raises_pkg_resources, raises_no_views, raises_another_training, raises_classes_in_another_order,
         raises_cache_of_other_data, raises_shortage, raises_divergence), strict=True,
    )
)  # fmt: skip
TROUBLES = re.findall(r'^\| `(.*?)`', PAGES[0].read_text().partition('## When something goes wrong')[2], re.M)


def test_every_trouble_has_a_test():
    assert len(TROUBLES) == len(RAISERS) and all(any(word in message for word in RAISERS) for message in TROUBLES)


@pytest.mark.parametrize('message', TROUBLES)
def test_a_trouble_says_what_the_readme_says(message, tmp_path):
    (raiser,) = [raiser for word, raiser in RAISERS.items() if word in message]
    with pytest.raises(DistillError) as error:
        raiser(tmp_path)
    said = f'{type(error.value).__name__}: {error.value}'
    pattern = '.*'.join(map(re.escape, message.split('...')))
    assert re.search(pattern, said), said
