"""Model configs named by the zoo, by a file or written out."""

import copy
import re

import families
import pytest
from mmengine.config import Config
from weights import build

from mmdualkd.errors import ConfigError
from mmdualkd.zoo.resolve import resolve_model

X3D = 'mmaction::recognition/x3d/x3d_s_13x6x1_facebook-kinetics400-rgb.py'


@pytest.fixture
def forbid_network(monkeypatch):
    """Any download in the test is a failure."""

    def refuse(*args, **kwargs):
        raise AssertionError(f'a download was tried: {args}')

    monkeypatch.setattr('urllib.request.urlopen', refuse)
    monkeypatch.setattr('torch.hub.urlopen', refuse)
    monkeypatch.setattr('torch.hub.download_url_to_file', refuse)


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


CODE_IN_YAML = """
Models:
- Name: mine
  Config: mine/model.py
  Weights: !!python/object/apply:os.mkdir [evil_was_here]
"""


@pytest.mark.parametrize('checkpoint', [None, 'a.pth', 'zoo'])
def test_a_metafile_is_read_for_the_zoos_weights_alone_and_code_in_it_never_runs(tmp_path, monkeypatch, checkpoint):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'mine').mkdir()
    (tmp_path / 'metafile.yml').write_text(CODE_IN_YAML)
    config = tmp_path / 'mine' / 'model.py'
    config.write_text(f'model = {families.FAMILIES["slowonly"].model!r}\n')
    spec = dict(config=str(config), checkpoint=checkpoint)
    if checkpoint == 'zoo':
        with pytest.raises(ConfigError, match=r'metafile\.yml. cannot be read as a list of weights: .*os\.mkdir'):
            resolve_model(spec, 'k')
    else:
        assert resolve_model(spec, 'k')[1] == checkpoint
    assert not (tmp_path / 'evil_was_here').exists()


def test_a_metafile_of_another_shape_lists_no_weights(tmp_path):
    (tmp_path / 'metafile.yml').write_text('- a list\n')
    (tmp_path / 'model.py').write_text(f'model = {families.FAMILIES["slowonly"].model!r}\n')
    with pytest.raises(ConfigError, match='lists no weights'):
        resolve_model(dict(config=str(tmp_path / 'model.py'), checkpoint='zoo'), 'k')


def test_overrides_are_merged_and_class_counts_set_everywhere():
    name = 'mmaction::recognition/tpn/tpn-tsm_imagenet-pretrained-r50_8xb8-1x1x8-150e_sthv1-rgb.py'
    model, address = resolve_model(
        dict(config=name, model=dict(cls_head=dict(dropout_ratio=0.25), backbone=dict(depth=101))), 'k', num_classes=51
    )
    assert address is None
    assert model.cls_head.dropout_ratio == 0.25 and model.cls_head.in_channels == 2048
    assert model.backbone.depth == 101 and model.backbone.type == 'ResNetTSM'
    assert model.cls_head.num_classes == 51 and model.neck.aux_head_cfg.out_channels == 51


def test_blending_of_the_models_own_config_is_left_out_with_a_word(monkeypatch):
    said = []
    monkeypatch.setattr('mmdualkd.zoo.resolve.print_log', lambda message, **kwargs: said.append(message))
    name = 'mmaction::recognition/mvit/mvit-small-p244_32xb16-16x4x1-200e_kinetics400-rgb.py'
    model, _ = resolve_model(dict(config=name), 'model.student', num_classes=7)
    assert 'blending' not in model.data_preprocessor and model.data_preprocessor.format_shape == 'NCTHW'
    assert said == [
        'model.student: RandomBatchAugment of its own config left out; model.blending blends for all models'
    ]


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


@pytest.mark.parametrize(
    'kind, takes',
    [
        ('RecognizerGCN', 'skeletons'),
        ('mmaction.RecognizerAudio', 'sound'),
        ('MMRecognizer3D', 'several kinds of data at once'),
        ('mmaction.models.recognizers.RecognizerOmni', 'pictures and clips by turns'),
    ],
)
def test_a_recognizer_of_other_data_than_frames_is_refused_by_name(kind, takes):
    message = rf'model.teachers.x: {kind.rpartition(".")[2]} takes {takes}, and a distiller hands frames to its models'
    with pytest.raises(ConfigError, match=message):
        resolve_model(dict(config=dict(type=kind, backbone=dict(type='STGCN'))), 'model.teachers.x')
