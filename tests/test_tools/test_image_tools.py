"""tools/export_student.py and tools/check_teachers.py on a distillation of pictures."""

import copy
import json
import re
import sys

import pytest
import torch
from helpers import MEND_TORCHVISION, call, environment, run
from jobs import predictions
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from mmengine.runner import Runner
from picture_jobs import picture_job, resnet, save_classifier, vit

from mmdualkd.errors import ConfigError
from mmdualkd.export import stock_config
from mmdualkd.export_onnx import export_onnx

# What a user of plain MMPretrain runs.
PLAIN = (
    """
import json, sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        assert name.partition('.')[0] not in ('mmdualkd', 'mmaction'), f'plain MMPretrain must not need {name}'
sys.meta_path.insert(0, Refuse())
"""
    + MEND_TORCHVISION
    + """
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmpretrain import ImageClassificationInferencer, get_model
config, checkpoint, picture, out = sys.argv[1:]
state = torch.load(checkpoint, weights_only=True)['state_dict']
model = get_model(config)
model.load_state_dict(state, strict=True)
assert model.state_dict().keys() == state.keys()
one = ImageClassificationInferencer(config, pretrained=checkpoint)(picture)[0]
cfg = Config.fromfile(config)
cfg.load_from, cfg.work_dir = checkpoint, out + '.work_dir'
cfg.test_evaluator = [cfg.test_evaluator, dict(type='DumpResults', out_file_path=out + '.pkl')]
metrics = Runner.from_cfg(cfg).test()
with open(out, 'w') as file:
    json.dump(dict(metrics=metrics, scores=one['pred_scores'].tolist(), name=one['pred_class']), file)
"""
)


@pytest.fixture
def tool(capsys):
    """Runs a tool in this process and returns what it prints."""

    def run_tool(name, *arguments):
        call(name, *arguments)
        printed = capsys.readouterr()
        return printed.out + printed.err

    return run_tool


@pytest.fixture(scope='module')
def job(tmp_path_factory):
    """A distillation of a CNN from a ViT, trained, with a BN student whose statistics matter in a test."""
    job = picture_job(tmp_path_factory.mktemp('job'), student=resnet(norm='BN'), per_class=4)
    call('train.py', job.config)
    return job


def test_plain_mmpretrain_scores_the_same_with_the_export_of_a_distillation(job, tmp_path, tool):
    output = tool('export_student.py', job.work_dir, '--out', tmp_path / 'export')
    assert 'test it with plain MMPretrain' in output and 'note:' not in output
    empty = tmp_path / 'empty'
    empty.mkdir()
    out, export = tmp_path / 'metrics.json', tmp_path / 'export'
    picture = job.config.parent / 'pictures' / 'class0' / '0.jpg'
    files = [export / 'student.py', export / 'student.pth', picture, out]
    run(sys.executable, '-c', PLAIN, *files, env=environment(empty), cwd=tmp_path)
    scores, labels = predictions(tmp_path / 'metrics.json.pkl')
    tool('test.py', job.config, job.work_dir / 'epoch_2.pth', '--work-dir', tmp_path, '--dump', tmp_path / 'ours.pkl',
         '--show-dir', tmp_path / 'shown')  # fmt: skip
    shown = sorted(path.name for path in (tmp_path / 'shown').iterdir())
    assert shown == [f'class{label}__{index}.jpg_0.png' for label in range(2) for index in range(4)]
    our_scores, our_labels = predictions(tmp_path / 'ours.pkl')
    assert torch.equal(scores, our_scores) and labels == our_labels
    plain = json.loads(out.read_text())
    accuracy = (our_scores.argmax(dim=1) == torch.tensor(our_labels)).float().mean().item()
    assert plain['metrics']['accuracy/top1'] == pytest.approx(100 * accuracy)
    assert plain['scores'] == pytest.approx(our_scores[0].tolist(), abs=1e-6)
    assert plain['name'] == f'class{our_scores[0].argmax()}'


def test_nothing_of_ours_is_in_the_export(job, tmp_path, tool):
    tool('export_student.py', job.work_dir / 'student_epoch_2.pth', '--out', tmp_path)
    text = (tmp_path / 'student.py').read_text()
    for word in ('mmdualkd', 'custom_imports', 'custom_hooks', 'teachers', str(job.work_dir)):
        assert word not in text, word
    cfg = Config.fromfile(tmp_path / 'student.py')
    assert cfg.test_dataloader.dataset.type == 'CustomDataset' and cfg.default_scope == 'mmpretrain'
    assert cfg.model.data_preprocessor.mean == [123.675, 116.28, 103.53] and cfg.test_pipeline
    checkpoint = torch.load(tmp_path / 'student.pth', weights_only=True)
    assert all(name.startswith(('backbone.', 'head.')) for name in checkpoint['state_dict'])


def test_a_plain_trainings_config_keeps_its_preprocessor_and_loses_its_augmentations():
    cfg = Config(
        dict(
            default_scope='mmpretrain',
            data_preprocessor=dict(num_classes=2, mean=[1.0] * 3, std=[2.0] * 3, to_rgb=True),
            model={**resnet(), 'train_cfg': dict(augments=dict(type='Mixup', alpha=1.0))},
        )
    )
    del cfg.model['data_preprocessor']
    stock, remarks = stock_config(cfg)
    assert stock.model.data_preprocessor.std == [2.0] * 3 and 'train_cfg' not in stock.model and remarks == []


@pytest.mark.parametrize('name', ['resnet', 'vit', 'timm'])
def test_onnx_gives_the_scores_of_pytorch(name, tmp_path):
    pytest.importorskip('onnxruntime')
    if name == 'timm':
        pytest.importorskip('timm')
    timm = dict(type='TimmClassifier', model_name='resmlp_12_224', pretrained=False, img_size=32, num_classes=2)
    model = dict(resnet=resnet(norm='BN'), vit=vit(), timm=timm)[name]
    save_classifier(model, tmp_path / 'a.pth')
    resize = dict(type='Resize', scale=(32, 32))
    pipeline = [dict(type='LoadImageFromFile'), resize, dict(type='PackInputs')]
    cfg = Config(dict(model=model, val_pipeline=pipeline, default_scope='mmpretrain'))
    assert export_onnx(cfg, tmp_path / 'a.pth', tmp_path / 'a.onnx')[0] < 1e-4
    import onnxruntime

    session = onnxruntime.InferenceSession(str(tmp_path / 'a.onnx'))
    assert session.get_inputs()[0].shape[1:] == [3, 32, 32]
    assert session.run(None, {'input': torch.zeros(3, 3, 32, 32).numpy()})[0].shape == (3, 2)


def test_the_tool_writes_an_onnx_file(job, tmp_path, tool):
    pytest.importorskip('onnxruntime')
    output = tool('export_student.py', job.work_dir, '--out', tmp_path, '--onnx')
    assert (tmp_path / 'student.onnx').is_file() and 'largest difference between onnxruntime and PyTorch' in output


def test_onnx_without_a_pipeline_that_reads_files_is_an_error(tmp_path):
    pytest.importorskip('onnxruntime')
    save_classifier(resnet(), tmp_path / 'a.pth')
    cfg = Config(dict(model=resnet(), val_pipeline=[dict(type='PackInputs')], default_scope='mmpretrain'))
    with pytest.raises(ConfigError, match='LoadImageFromFile'):
        export_onnx(cfg, tmp_path / 'a.pth', tmp_path / 'a.onnx')


def test_check_teachers_gives_every_models_own_accuracy_and_size(job, tool):
    output = tool('check_teachers.py', job.config, '--checkpoint', job.work_dir / 'student_epoch_2.pth')
    rows = re.findall(r'^(\w+)(?: \(.*?\))? +([\d.]+) +([\d.]+) +([\d.]+) M +([\d.]+)$', output, re.MULTILINE)
    rows = {name: tuple(map(float, values)) for name, *values in rows}
    assert list(rows) == ['student', 'teacher']
    weights = dict(student=job.work_dir / 'student_epoch_2.pth', teacher=job.config.parent / 'teacher.pth')
    for name, cfg in dict(student=resnet(norm='BN'), teacher=vit()).items():
        model = MODELS.build({'_scope_': 'mmpretrain', **copy.deepcopy(cfg)}).eval()
        state = torch.load(weights[name], weights_only=True)
        model.load_state_dict(state.get('state_dict', state))
        assert rows[name][0] == pytest.approx(stock_accuracy(job, model), abs=0.01)
        assert rows[name][1] == 100  # the best 2 of 2 classes
        assert rows[name][2] == pytest.approx(sum(p.numel() for p in model.parameters()) / 1e6, abs=0.006)
    assert 0.001 < rows['student'][3] < 0.004 and rows['teacher'][3] < 0.001  # ResNet18: 0.56 at 64 channels, here 4


@torch.no_grad()
def stock_accuracy(job, model):
    """Top-1 of a model by MMPretrain's own evaluator on the config's own pipeline, in percent."""
    cfg = Config.fromfile(job.config)
    init_default_scope('mmpretrain')
    loader = Runner.build_dataloader(cfg.val_dataloader)
    right = [
        int(sample.pred_label) == int(sample.gt_label)
        for batch in loader
        for sample in model.val_step(batch)
    ]  # fmt: skip
    return 100 * sum(right) / len(right)
