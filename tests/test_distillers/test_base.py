import copy
from dataclasses import replace

import pytest
import torch
from mmengine.logging import MessageHub
from mmengine.model import ExponentialMovingAverage, Sequential
from mmengine.optim import OptimWrapper
from mmengine.registry import MODELS as MMENGINE_MODELS
from tiny import VIEWS, batch, build_distiller, distiller_config, gradients, resnet3d, save_model, step_losses
from torch import nn

from mmdualkd.distillers import terms
from mmdualkd.distillers.base import align_rows
from mmdualkd.losses import Term
from mmdualkd.outputs import Outputs
from mmdualkd.registry import MODELS

ZERO = dict(
    kd=dict(type='FusedKD', weight=0.0),
    sdd=dict(type='SDD', weight=0.0),
    rkd=dict(type='RKD', teacher='vit', weight=0.0),
)
DROPOUT = dict(dropout=0.5)


def backward(model, data):
    losses = step_losses(model, data)
    total, log = model.parse_losses(losses)
    total.backward()
    return losses, {name: value.item() for name, value in log.items()}


def sgd(model):
    return OptimWrapper(torch.optim.SGD(model.parameters(), 0.1))


def test_default_terms_are_the_papers_three_and_each_is_logged(tmp_path):
    model = build_distiller(tmp_path)
    assert {name: term.weight for name, term in model.terms.items()} == dict(kd=1.0, sdd=1.0, rkd=1.0)
    losses, log = backward(model, batch(model.plan.num_frames))
    assert [key for key in log if 'loss' in key] == ['loss', 'loss_cls', 'loss_kd', 'loss_sdd', 'loss_rkd']
    assert log['loss'] == pytest.approx(sum(log[f'loss_{name}'] for name in ('cls', 'kd', 'sdd', 'rkd')), rel=1e-5)
    for key in ('kd/weight_vit', 'kd/weight_vit_std', 'kd/weight_cnn', 'kd/target_entropy', 'top1_acc'):
        assert key in log
    assert log['kd/weight_vit'] + log['kd/weight_cnn'] == pytest.approx(1)
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_terms_without_a_type_change_the_defaults(tmp_path):
    model = build_distiller(tmp_path, terms=dict(kd=dict(weight=0.5), rkd=dict(angle=2.0)))
    assert list(model.terms) == ['kd', 'sdd', 'rkd']
    assert (model.terms['kd'].weight, model.terms['rkd'].angle) == (0.5, 2.0)


def test_what_other_terms_leave_out_of_the_defaults_is_logged(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(terms, 'print_log', lambda message, **kwargs: said.append(message))
    build_distiller(tmp_path, terms=dict(sdd=dict(type='SDD', dim=2)))
    assert said == ['model.terms stands in place of the defaults; without kd, rkd']


def test_zero_weights_leave_the_gradients_exactly_those_of_plain_training(tmp_path):
    student = resnet3d(**DROPOUT)
    distiller = build_distiller(tmp_path, student, terms=ZERO)
    plain = MMENGINE_MODELS.build({'_scope_': 'mmaction', **copy.deepcopy(student)})
    plain.load_state_dict(distiller.student.state_dict())
    plain.train()
    data = batch(distiller.plan.num_frames)
    torch.manual_seed(1)
    backward(distiller, copy.deepcopy(data))
    # The plain model gets the student's frames and size by mmaction2's own preprocessor.
    clip = torch.stack(data['inputs'])
    view = torch.nn.functional.interpolate(
        clip[:, 0][:, :, distiller.plan.places('student')[0]].float().flatten(1, 2),
        (32, 32),
        mode='bilinear',
    ).view(4, 1, 3, 4, 32, 32)
    stock = plain.data_preprocessor(dict(inputs=list(view), data_samples=data['data_samples']), training=True)
    torch.manual_seed(1)
    plain.parse_losses(plain(**stock, mode='loss'))[0].backward()
    ours, theirs = gradients(distiller.student), gradients(plain)
    assert ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)
    for (name, a), b in zip(distiller.student.named_buffers(), plain.buffers(), strict=True):
        assert torch.equal(a, b), name


def test_no_teacher_parameter_or_buffer_changes_in_training(tmp_path):
    model = build_distiller(tmp_path)
    before = {name: copy.deepcopy(teacher.state_dict()) for name, teacher in model.teachers.items()}
    wrapper = sgd(model)
    for seed in range(3):
        model.train()
        model.train_step(batch(model.plan.num_frames, seed=seed), wrapper)
    for name, teacher in model.teachers.items():
        assert not any(module.training for module in teacher.modules())
        assert all(torch.equal(value, before[name][key]) for key, value in teacher.state_dict().items())


def test_no_teacher_tensor_in_state_dict_optimizer_or_ema_copy(tmp_path):
    model = build_distiller(tmp_path)
    teachers = {
        id(tensor) for teacher in model.teachers.values() for tensor in (*teacher.parameters(), *teacher.buffers())
    }
    assert {key.split('.')[0] for key in model.state_dict()} == {'student', 'terms'}
    held = [*model.parameters(), *model.buffers(), *sgd(model).param_groups[0]['params']]
    assert not teachers & {id(tensor) for tensor in held}
    averaged = ExponentialMovingAverage(model)
    assert all(averaged.module.teachers[name] is teacher for name, teacher in model.teachers.items())
    assert {key.split('.')[1] for key in averaged.state_dict() if '.' in key} == {'student', 'terms'}


def test_teachers_follow_the_distiller_to_another_type(tmp_path):
    model = build_distiller(tmp_path).double()
    assert {parameter.dtype for teacher in model.teachers.values() for parameter in teacher.parameters()} == {
        torch.float64
    }


def test_copies_of_the_distiller_leave_the_teachers_where_and_as_they_are(tmp_path):
    model = build_distiller(tmp_path)
    tensors = [value for teacher in model.teachers.values() for value in teacher.state_dict().values()]
    before = [(value.device, value.dtype) for value in tensors]
    averaged = ExponentialMovingAverage(model, device=torch.device('meta'))
    copied = copy.deepcopy(model).double()
    assert {value.device.type for value in averaged.module.student.parameters()} == {'meta'}
    assert {value.dtype for value in copied.student.parameters()} == {torch.float64}
    now = [value for teacher in model.teachers.values() for value in teacher.state_dict().values()]
    assert [(value.device, value.dtype) for value in now] == before
    assert all(torch.isfinite(value).all() for value in step_losses(copied, batch(model.plan.num_frames)).values())


def test_warm_up_grows_the_terms_and_leaves_the_students_own_loss(tmp_path):
    model = build_distiller(tmp_path, warmup_iters=10)
    data, hub, seen = batch(model.plan.num_frames), MessageHub.get_current_instance(), []
    model.eval()  # same statistics at every call
    for done in (0, 5, 10, 20):
        hub.update_info('iter', done)
        seen.append(step_losses(model, data))
    hub.runtime_info.pop('iter')
    for name in ('loss_kd', 'loss_sdd', 'loss_rkd'):
        first, half, full, later = (losses[name].item() for losses in seen)
        assert first == 0 and half == pytest.approx(full / 2) and later == full > 0
    assert len({losses['loss_cls'].item() for losses in seen}) == 1


@pytest.mark.parametrize('kind', ['MixupBlending', 'CutmixBlending'])
def test_mixup_and_cutmix_give_all_models_one_blend_and_the_terms_soft_labels(tmp_path, kind):
    model = build_distiller(tmp_path, blending=dict(type=kind, num_classes=4, alpha=1.0))
    data = model.data_preprocessor(batch(model.plan.num_frames), training=True)
    labels = torch.stack([sample.gt_label for sample in data['data_samples']])
    assert labels.shape == (4, 4) and torch.allclose(labels.sum(1), torch.ones(4))
    assert data['inputs'].dtype == torch.float32 and data['inputs'].shape[:3] == (4, 1, 3)
    losses = model(**data, mode='loss')
    assert all(torch.isfinite(value).all() for value in losses.values())


def test_label_smoothing_is_the_heads_own(tmp_path):
    student = resnet3d()
    student['cls_head']['label_smooth_eps'] = 0.1
    model = build_distiller(tmp_path, student).eval()
    data = batch(model.plan.num_frames)
    loss = step_losses(model, data)['loss_cls']
    logits = model.student.cls_head(model.student.extract_feat(model.views['student'](torch.stack(data['inputs'])))[0])
    smooth = torch.nn.functional.cross_entropy(logits, torch.arange(4), label_smoothing=0.1)
    assert loss.item() == pytest.approx(smooth.item(), rel=1e-5)


def test_several_clips_a_sample_train_as_rows_of_their_own(tmp_path):
    views = {name: dict(view, num_clips=2) for name, view in VIEWS.items()}
    model = build_distiller(tmp_path, views=views).eval()
    data = batch(model.plan.num_frames, count=2)
    losses = step_losses(model, data)
    clips = model.views['student'](torch.stack(data['inputs'])).flatten(0, 1).unsqueeze(1)
    logits = model.student.cls_head(model.student.extract_feat(clips)[0])
    expected = torch.nn.functional.cross_entropy(logits, torch.tensor([0, 0, 1, 1]))
    assert losses['loss_cls'].item() == pytest.approx(expected.item(), rel=1e-5)
    assert all(torch.isfinite(value).all() for value in losses.values())


def test_rows_of_segment_and_clip_models_are_aligned():
    two = Outputs(*(torch.tensor([[1.0], [2.0]]),) * 3)
    four = align_rows(two, 4)
    assert four.logits.flatten().tolist() == [1, 1, 2, 2]
    assert align_rows(Outputs(*(torch.tensor([[1.0], [3.0], [5.0], [5.0]]),) * 3), 2).pooled.flatten().tolist() == [
        2,
        5,
    ]
    assert align_rows(two, 2) is two


def test_losses_are_float32_and_near_the_full_precision_ones_under_autocast(tmp_path):
    model = build_distiller(tmp_path).eval()
    data = batch(model.plan.num_frames)
    full = step_losses(model, data)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        half = step_losses(model, data)
    for name in ('loss_cls', 'loss_kd', 'loss_sdd', 'loss_rkd'):
        assert half[name].dtype == torch.float32
        assert half[name].item() == pytest.approx(full[name].item(), rel=0.1, abs=0.02)


def test_gradient_accumulation_trains_at_the_last_of_its_steps(tmp_path):
    model = build_distiller(tmp_path)
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), 0.1), accumulative_counts=2)
    wrapper.initialize_count_status(model, 0, 4)
    before = copy.deepcopy(model.student.state_dict()['cls_head.fc_cls.weight'])
    model.train_step(batch(model.plan.num_frames), wrapper)
    assert torch.equal(model.student.cls_head.fc_cls.weight, before)
    model.train_step(batch(model.plan.num_frames, seed=1), wrapper)
    assert not torch.equal(model.student.cls_head.fc_cls.weight, before)


def test_checkpointed_backbones_give_the_same_gradients_and_running_statistics(tmp_path):
    plain = build_distiller(tmp_path, resnet3d())
    checkpointed = build_distiller(tmp_path, resnet3d(with_cp=True))
    checkpointed.load_state_dict(plain.state_dict())
    data = batch(plain.plan.num_frames)
    backward(plain, copy.deepcopy(data))
    backward(checkpointed, copy.deepcopy(data))
    ours, theirs = gradients(checkpointed.student), gradients(plain.student)
    assert all(torch.allclose(ours[name], theirs[name], atol=1e-6) for name in ours)
    for name, value in plain.student.named_buffers():
        torch.testing.assert_close(checkpointed.student.get_buffer(name), value, msg=name)


def test_evaluation_is_the_students_own(tmp_path):
    model = build_distiller(tmp_path).eval()
    data = batch(4, size=32)
    ours = model.val_step(copy.deepcopy(data))
    theirs = model.student.val_step(copy.deepcopy(data))
    for a, b in zip(ours, theirs, strict=True):
        assert torch.equal(a.pred_score, b.pred_score)


def test_a_students_own_checkpoint_loads_into_the_distiller(tmp_path):
    model, other = build_distiller(tmp_path), build_distiller(tmp_path)
    for parameter in model.student.parameters():
        torch.nn.init.normal_(parameter)
    missing, unexpected = other.load_state_dict(model.student.state_dict(), strict=False)
    assert not unexpected and all(key.startswith('terms.') for key in missing)
    assert torch.equal(other.student.cls_head.fc_cls.weight, model.student.cls_head.fc_cls.weight)


def test_an_explicit_student_checkpoint_survives_init_weights(tmp_path):
    cfg = resnet3d()
    path = save_model(cfg, tmp_path / 'student.pth', seed=9)
    config = distiller_config(tmp_path, terms=ZERO)
    config['student']['checkpoint'] = path
    model = MODELS.build({**config, '_scope_': 'mmdualkd'})
    model.init_weights()
    saved = torch.load(path, weights_only=True)
    assert all(torch.equal(value, saved[name]) for name, value in model.student.state_dict().items())


def test_num_classes_reaches_every_model(tmp_path):
    cfg = distiller_config(tmp_path)
    for spec in cfg['teachers'].values():
        nine = copy.deepcopy(spec['config'])
        nine['cls_head']['num_classes'] = 9
        save_model(nine, spec['checkpoint'])
    model = MODELS.build({**cfg, 'num_classes': 9, '_scope_': 'mmdualkd'})
    assert model.student.cls_head.num_classes == 9
    assert {teacher.cls_head.num_classes for teacher in model.teachers.values()} == {9}


def test_any_number_of_teachers_may_be_fused(tmp_path):
    cfg = distiller_config(tmp_path)
    third = resnet3d(2)
    teachers = dict(cfg['teachers'], third=dict(config=third, checkpoint=save_model(third, tmp_path / 'third.pth')))
    model = build_distiller(
        tmp_path, teachers=teachers, views=dict(VIEWS, third=VIEWS['cnn']), terms=dict(kd=dict(type='FusedKD'))
    )
    losses = step_losses(model, batch(model.plan.num_frames))
    assert sum(losses[f'kd/weight_{name}'].item() for name in teachers) == pytest.approx(1)


@pytest.mark.parametrize('teacher', ['vit', 'cnn'])
def test_class_maps_beside_an_assistant_are_those_without_one(tmp_path, teacher):
    terms = dict(sdd=dict(type='SDD', residual='class_maps'), ofa=dict(type='OFA', source=teacher, target='assistant'))
    beside = build_distiller(tmp_path, terms=terms, assistant=dict(teacher=teacher))
    alone = build_distiller(tmp_path, terms=dict(sdd=terms['sdd']))
    data = batch(alone.plan.num_frames)
    losses = [step_losses(model, data)['loss_sdd'] for model in (beside, alone)]
    assert torch.equal(*losses)


def test_teachers_outputs_are_laid_out_as_a_cache_gives_them(tmp_path, monkeypatch):
    """What a loss computes of the same numbers in another layout rounds otherwise."""
    model = build_distiller(tmp_path)
    clip = model.data_preprocessor(batch(model.plan.num_frames), training=True)['inputs']
    expected, _ = model.run_teachers(clip)
    run = model.teachers.run

    def of_tokens(name, inputs):
        outputs = run(name, inputs)
        return replace(
            outputs,
            logits=outputs.logits.t().contiguous().t(),
            pooled=outputs.pooled.t().contiguous().t(),
            grid=outputs.grid.contiguous(memory_format=torch.channels_last_3d),
        )

    monkeypatch.setattr(model.teachers, 'run', of_tokens)
    for name, outputs in model.run_teachers(clip)[0].items():
        for what in ('logits', 'pooled', 'grid'):
            value = getattr(outputs, what)
            assert value.is_contiguous() and torch.equal(value, getattr(expected[name], what))


class Connected(Term):
    """A term of one's own with a module of MMEngine's, as a connector of MMRazor is."""

    def setup(self, step):
        inits = [dict(type='Constant', layer='Linear', val=0.5, bias=0.25)]
        self.connector = Sequential(nn.Linear(step.student.pooled.size(1), 3), init_cfg=inits)

    def forward(self, step):
        return self.connector(step.student.pooled).square().mean()


def test_modules_of_a_term_are_initialised_as_their_init_cfg_says(tmp_path, monkeypatch):
    monkeypatch.setitem(MODELS._module_dict, 'Connected', Connected)
    model = build_distiller(tmp_path, terms=dict(mine=dict(type='Connected')))
    made = model.terms['mine'].connector[0]
    assert (made.weight == 0.5).all() and (made.bias == 0.25).all()
    model.init_weights()
    assert (made.weight == 0.5).all()
