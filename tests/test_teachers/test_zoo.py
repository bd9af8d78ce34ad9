import copy
import functools
import http.server
import io
import logging
import os
import pickle
import re
import subprocess
import sys
import threading
import zipfile

import families
import pytest
import torch
from helpers import environment, free_port
from mmengine.config import Config
from mmengine.logging import MMLogger

from mmdualkd.errors import CheckpointError, ConfigError
from mmdualkd.teachers.zoo import load_student_weights, load_teacher_weights, resolve_model

X3D = 'mmaction::recognition/x3d/x3d_s_13x6x1_facebook-kinetics400-rgb.py'
KEY = 'model.teachers.cnn.checkpoint'


def build(cfg, scope='mmaction'):
    from mmengine.registry import MODELS

    return MODELS.build({'_scope_': scope, **copy.deepcopy(cfg)})


def small(num_classes=families.NUM_CLASSES, name='slowonly'):
    cfg = copy.deepcopy(families.FAMILIES[name].model)
    cfg['cls_head']['num_classes'] = num_classes
    return build(cfg)


def same(model, state):
    own = model.state_dict()
    return own.keys() == state.keys() and all(torch.equal(own[name], state[name]) for name in own)


@pytest.fixture
def forbid_network(monkeypatch):
    """Any download in the test is a failure."""

    def refuse(*args, **kwargs):
        raise AssertionError(f'a download was tried: {args}')

    monkeypatch.setattr('urllib.request.urlopen', refuse)
    monkeypatch.setattr('torch.hub.urlopen', refuse)
    monkeypatch.setattr('torch.hub.download_url_to_file', refuse)


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A folder served over HTTP on loopback; requests are counted. The cache is the test's own."""
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'cache'))
    folder = tmp_path / 'served'
    folder.mkdir()
    requests = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self):
            requests.append(self.path)
            super().do_GET()

        def log_message(self, *args):
            pass

    httpd = http.server.ThreadingHTTPServer(('127.0.0.1', 0), functools.partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    httpd.folder, httpd.requests = folder, requests
    httpd.url = f'http://127.0.0.1:{httpd.server_address[1]}'
    yield httpd
    httpd.shutdown()
    thread.join()
    httpd.server_close()


# --- resolving -------------------------------------------------------------------------------------------------------


def test_zoo_name_gives_the_zoos_model_and_the_address_of_its_metafile():
    model, address = resolve_model(dict(config=X3D, checkpoint='zoo'), 'model.student')
    assert model.backbone.type == 'X3D' and model.cls_head.num_classes == 400
    assert model.data_preprocessor.mean == [114.75] * 3
    assert address == (
        'https://download.openmmlab.com/mmaction/v1.0/recognition/x3d/facebook/'
        'x3d_s_13x6x1_facebook-kinetics400-rgb_20201027-623825a0.pth'
    )


@pytest.mark.parametrize(
    'name',
    [
        'mvit/mvit-small-p244_32xb16-16x4x1-200e_kinetics400-rgb.py',
        'x3d/x3d_m_16x5x1_facebook-kinetics400-rgb.py',
        'slowfast/slowfast_r50_8xb8-8x8x1-256e_kinetics400-rgb.py',
        'slowfast/slowfast_r101_8xb8-8x8x1-256e_kinetics400-rgb.py',
        'tsm/tsm_imagenet-pretrained-r50_8xb16-1x1x8-50e_kinetics400-rgb.py',
        'swin/swin-tiny-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e_kinetics400-rgb.py',
        'tsn/custom_backbones/tsn_imagenet-pretrained-dense161_8xb32-1x1x3-100e_kinetics400-rgb.py',
    ],
)
def test_zoo_weights_are_found_in_every_familys_metafile(name):
    _, address = resolve_model(dict(config=f'mmaction::recognition/{name}', checkpoint='zoo'), 'model.teachers.x')
    assert re.fullmatch(r'https://download\.openmmlab\.com/\S+\.pth', address)


def test_overrides_are_merged_and_class_counts_set_everywhere():
    name = 'mmaction::recognition/tpn/tpn-tsm_imagenet-pretrained-r50_8xb8-1x1x8-150e_sthv1-rgb.py'
    model, address = resolve_model(
        dict(config=name, model=dict(cls_head=dict(dropout_ratio=0.25), backbone=dict(depth=101))), 'k', num_classes=51
    )
    assert address is None
    assert model.cls_head.dropout_ratio == 0.25 and model.cls_head.in_channels == 2048
    assert model.backbone.depth == 101 and model.backbone.type == 'ResNetTSM'
    assert model.cls_head.num_classes == 51 and model.neck.aux_head_cfg.out_channels == 51


def test_blending_of_the_models_own_config_follows_the_class_count():
    name = 'mmaction::recognition/mvit/mvit-small-p244_32xb16-16x4x1-200e_kinetics400-rgb.py'
    model, _ = resolve_model(dict(config=name), 'k', num_classes=7)
    assert [augment.num_classes for augment in model.data_preprocessor.blending.augments] == [7, 7]


def test_inline_dict_and_config_file_give_the_same_model_and_stay_untouched(tmp_path):
    inline = copy.deepcopy(families.FAMILIES['slowonly'].model)
    before = copy.deepcopy(inline)
    path = tmp_path / 'cfg.py'
    Config(dict(model=inline)).dump(path)
    for config in (inline, str(path)):
        model, address = resolve_model(dict(config=config, checkpoint='a.pth'), 'k', num_classes=9)
        assert address == 'a.pth' and model.cls_head.num_classes == 9 and model.backbone.base_channels == 8
    assert inline == before


def test_classifiers_of_mmpretrain_bring_their_scope_and_preprocessor():
    model, address = resolve_model(dict(config='mmpretrain::resnet/resnet18_8xb16_cifar10.py', checkpoint='zoo'), 'k')
    assert model._scope_ == 'mmpretrain' and 'mean' in model.data_preprocessor and address.startswith('https://')
    assert type(build(model)).__name__ == 'ImageClassifier'


@pytest.mark.parametrize(
    ('spec', 'message'),
    [
        (dict(config=X3D.replace('x3d_s_', 'x3d_z_')), f"model.teachers.cnn.config=.*did you mean '{re.escape(X3D)}'"),
        (dict(config='mmaction::x3d/x3d_s_13x6x1_facebook-kinetics400-rgb.py'), f"did you mean '{re.escape(X3D)}'"),
        (dict(config='mmnothing::a/b.py'), "no package 'mmnothing'"),
        (dict(config='configs/no_such.py'), 'no such config file'),
        (dict(config=3), 'model.teachers.cnn.config'),
        (dict(checkpoint='zoo'), 'must be a dict with a `config`'),
        (dict(config=X3D, chekpoint='zoo'), "unknown keys \\['chekpoint'\\]"),
        (dict(config=X3D, checkpoint=True), 'model.teachers.cnn.checkpoint'),
        (dict(config=X3D, model=[3]), 'model.teachers.cnn.model must be a dict'),
        (dict(config=X3D, model=dict(cls_head=dict(spatial_type=dict(a=1)))), 'model.teachers.cnn.model does not fit'),
        (dict(config=families.FAMILIES['x3d'].model, checkpoint='zoo'), 'needs the name of a zoo config'),
        (dict(config='mmaction::_base_/models/x3d.py', checkpoint='zoo'), 'lists no weights'),
        (
            dict(
                config='mmaction::recognition/tsm/'
                'tsm_imagenet-pretrained-mobilenetv2_8xb16-1x1x8-100e_kinetics400-rgb.py',
                checkpoint='zoo',
            ),
            'lists no weights',
        ),
    ],
)
def test_a_wrong_entry_is_an_error_that_names_key_and_nearest_right_one(spec, message):
    with pytest.raises(ConfigError, match=message):
        resolve_model(spec, 'model.teachers.cnn')


@pytest.mark.parametrize(
    'name',
    [
        'c2d/c2d_r50-in1k-pre_8xb32-8x8x1-100e_kinetics400-rgb.py',
        'c3d/c3d_sports1m-pretrained_8xb30-16x1x1-45e_ucf101-rgb.py',
        'i3d/i3d_imagenet-pretrained-r50_8xb8-32x2x1-100e_kinetics400-rgb.py',
        'mvit/mvit-small-p244_k400-maskfeat-pre_8xb32-16x4x1-100e_kinetics400-rgb.py',
        'slowonly/slowonly_imagenet-pretrained-r50_8xb16-8x8x1-steplr-150e_kinetics400-rgb.py',
        'swin/swin-tiny-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e_kinetics400-rgb.py',
        'tanet/tanet_imagenet-pretrained-r50_8xb8-dense-1x1x8-100e_kinetics400-rgb.py',
        'timesformer/timesformer_divST_8xb8-8x32x1-15e_kinetics400-rgb.py',
        'tsm/tsm_imagenet-pretrained-r50_8xb16-1x1x8-50e_kinetics400-rgb.py',
        'tsm/tsm_imagenet-pretrained-mobilenetv2_8xb16-1x1x8-100e_kinetics400-rgb.py',
        'tsm/tsm_imagenet-pretrained-mobileone-s4_8xb16-1x1x16-50e_kinetics400-rgb.py',
        'tsn/tsn_imagenet-pretrained-r50_8xb32-1x1x3-100e_kinetics400-rgb.py',
        'tsn/custom_backbones/tsn_imagenet-pretrained-dense161_8xb32-1x1x3-100e_kinetics400-rgb.py',
        'uniformerv2/uniformerv2-base-p16-res224_clip-kinetics710-pre_8xb32-u8_kinetics400-rgb.py',
    ],
)
def test_a_model_with_a_checkpoint_is_built_and_initialised_without_any_download(name, forbid_network):
    model, _ = resolve_model(dict(config=f'mmaction::recognition/{name}', checkpoint='weights.pth'), 'k')
    built = build(model)
    if built.backbone_from == 'mmaction2':
        loads = [
            (type(module).__name__, argument)
            for module in built.modules()
            for argument in ('pretrained', 'pretrained2d', 'clip_pretrained', 'pretrained_type')
            if getattr(module, argument, None) and not (argument == 'pretrained2d' and module.pretrained is None)
        ]
        assert loads == []
    init_cfgs = [getattr(module, 'init_cfg', None) for module in built.modules()]
    assert 'Pretrained' not in str(init_cfgs)


@pytest.mark.parametrize('name', ['tsm', 'tsm_mobilenetv2', 'tsm_mobileone', 'swin', 'uniformerv2', 'tanet'])
def test_initialising_a_small_model_with_a_checkpoint_downloads_nothing(name, forbid_network):
    cfg = copy.deepcopy(families.FAMILIES[name].model)
    backbone = cfg['backbone']
    for switch in ('pretrained2d', 'clip_pretrained'):
        backbone.pop(switch, None)  # back to the class's default, which loads
    if name == 'tsm_mobileone':
        backbone['init_cfg'] = dict(type='Pretrained', checkpoint='http://127.0.0.1:9/a.pth', prefix='backbone')
    else:
        backbone['pretrained'] = 'http://127.0.0.1:9/a.pth'
    model, _ = resolve_model(dict(config=cfg, checkpoint='weights.pth'), 'k')
    build(model).init_weights()


def test_a_student_without_a_checkpoint_keeps_its_own_initialisation():
    model, _ = resolve_model(
        dict(config='mmaction::recognition/tsm/tsm_imagenet-pretrained-r50_8xb16-1x1x8-50e_kinetics400-rgb.py'), 'k'
    )
    assert model.backbone.pretrained


# --- loading ---------------------------------------------------------------------------------------------------------


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


def cut_zip():
    buffer = io.BytesIO()
    torch.save(dict(a=torch.ones(100)), buffer)
    return buffer.getvalue()[:-50]


def other_zip():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as file:
        file.writestr('readme.txt', 'hello')
    return buffer.getvalue()


@pytest.mark.parametrize(
    'content',
    [b'', b'<html>not found</html>', cut_zip(), other_zip(), pickle.dumps([1, 2])],
    ids=['empty', 'html', 'cut', 'zip', 'list'],
)
def test_a_file_that_is_no_checkpoint_is_an_error_that_names_it(tmp_path, content):
    (tmp_path / 'a.pth').write_bytes(content)
    with pytest.raises(CheckpointError, match=rf'{KEY}.*a\.pth'):
        load_teacher_weights(small(), str(tmp_path / 'a.pth'), KEY)


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


# --- downloads -------------------------------------------------------------------------------------------------------


def test_a_download_is_fetched_once_and_then_comes_from_the_cache(server, capfd):
    source = small()
    torch.save(source.state_dict(), server.folder / 'a.pth')
    for _ in range(2):
        target = small()
        load_teacher_weights(target, f'{server.url}/a.pth', KEY)
        assert same(target, source.state_dict())
    assert server.requests == ['/a.pth']
    assert '100%' in capfd.readouterr().err  # the progress bar


def test_two_addresses_with_one_file_name_are_two_files_in_the_cache(server):
    models = {}
    for folder in ('vit', 'cnn'):
        (server.folder / folder).mkdir()
        models[folder] = small()
        torch.save(models[folder].state_dict(), server.folder / folder / 'best.pth')
    for folder, model in models.items():
        target = small()
        load_teacher_weights(target, f'{server.url}/{folder}/best.pth', KEY)
        assert same(target, model.state_dict())


def test_a_zoo_file_keeps_its_name_in_the_cache(server, tmp_path):
    torch.save(small().state_dict(), server.folder / 'a_20201027-623825a0.pth')
    load_teacher_weights(small(), f'{server.url}/a_20201027-623825a0.pth', KEY)
    assert (tmp_path / 'cache' / 'hub' / 'checkpoints' / 'a_20201027-623825a0.pth').is_file()


def test_a_missing_address_is_one_clear_error(server):
    with pytest.raises(CheckpointError, match=rf"{KEY}='{server.url}/none.pth' cannot be downloaded: .*404"):
        load_teacher_weights(small(), f'{server.url}/none.pth', KEY)


def test_an_unreachable_server_is_one_clear_error(server):
    server.server_close()
    server.shutdown()
    with pytest.raises(CheckpointError, match=rf'{KEY}=.* cannot be downloaded'):
        load_teacher_weights(small(), f'{server.url}/a.pth', KEY)


def test_a_download_that_is_no_checkpoint_does_not_stay_in_the_cache(server):
    (server.folder / 'a.pth').write_bytes(cut_zip())
    with pytest.raises(CheckpointError, match=KEY):
        load_teacher_weights(small(), f'{server.url}/a.pth', KEY)
    source = small()
    torch.save(source.state_dict(), server.folder / 'a.pth')
    target = small()
    load_teacher_weights(target, f'{server.url}/a.pth', KEY)
    assert same(target, source.state_dict())


TWO_PROCESSES = """
import sys
import torch
import mmdualkd
from mmdualkd.errors import CheckpointError
from mmdualkd.teachers.zoo import load_teacher_weights
rank, port, url = int(sys.argv[1]), sys.argv[2], sys.argv[3]
torch.distributed.init_process_group('gloo', init_method=f'tcp://127.0.0.1:{port}', rank=rank, world_size=2)
model = torch.nn.Linear(2, 3)
load_teacher_weights(model, f'{url}/a.pth', 'k')
assert torch.equal(model.weight, torch.ones(3, 2))
try:
    load_teacher_weights(model, f'{url}/none.pth', 'k')
except CheckpointError as error:
    assert '404' in str(error)
else:
    raise AssertionError('no error')
torch.distributed.destroy_process_group()
"""


def test_of_two_processes_the_first_downloads_and_neither_hangs_on_a_missing_address(server):
    torch.save(dict(weight=torch.ones(3, 2), bias=torch.zeros(3)), server.folder / 'a.pth')
    port = free_port()
    environ = {name: value for name, value in environment().items() if name != 'LOCAL_RANK'}
    processes = [
        subprocess.Popen([sys.executable, '-c', TWO_PROCESSES, str(rank), port, server.url], env=environ)
        for rank in range(2)
    ]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    assert server.requests.count('/a.pth') == 1
