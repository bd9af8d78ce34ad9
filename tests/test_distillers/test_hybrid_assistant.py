"""The hybrid assistant among picture classifiers."""

import copy

import pytest
import torch
from tiny import step_losses
from tiny_pictures import batch, build_distiller, build_plain, cnn, mixer, vit

from mmdualkd.errors import ConfigError
from mmdualkd.stages import Features, StagedModel

HYBRID = 'HybridAssistantDistiller'
PAIRS = {
    'cnn from vit': (cnn(), vit()),
    'cnn from mlp': (cnn(), mixer()),
    'vit from cnn': (vit(), cnn()),
    'mlp from cnn': (mixer(), cnn()),
    'vit from mlp': (vit(), mixer()),
    'mlp from vit': (mixer(), vit()),
    'cnn from cnn': (cnn(), cnn(8)),
    'vit from vit': (vit(), vit(48)),
}


def reached(model, loss):
    """Names of the parameters that a loss has a gradient for other than zero."""
    names, values = zip(*model.named_parameters(), strict=True)
    gradients = torch.autograd.grad(loss, values, retain_graph=True, allow_unused=True)
    return {name for name, value in zip(names, gradients, strict=True) if value is not None and value.any()}


@pytest.fixture(params=PAIRS)
def pair(request, tmp_path):
    student, teacher = PAIRS[request.param]
    return request.param, build_distiller(tmp_path, student, teacher, HYBRID)


def test_every_pair_takes_a_step_in_which_all_parameters_learn_and_no_teacher_tensor_changes(pair):
    _, model = pair
    before = copy.deepcopy(model.teachers['teacher'].state_dict())
    losses = step_losses(model, batch())
    ways = [f'loss_{name}_{way}' for way in ('ts', 'ta', 'as') for name in ('nce', 'ofa')]
    assert [name for name in losses if 'loss' in name] == ['loss_cls', *ways]
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    model.parse_losses(losses)[0].backward()
    assert all(value.grad is not None for value in model.parameters()), 'DDP would wait for these'
    optimizer.step()
    assert all(value.grad is None for value in model.teachers['teacher'].parameters())
    assert not any(module.training for module in model.teachers['teacher'].modules())
    after = model.teachers['teacher'].state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert {name.split('.')[0] for name in model.state_dict()} == {'student', 'assistant', 'terms'}


def test_a_cnn_comes_first_else_the_student(pair):
    name, model = pair
    student, teacher = name.split(' from ')
    assert model.assistant.student_first == (student == 'cnn' or teacher != 'cnn')


def test_the_assistant_is_the_first_models_stages_the_projector_and_the_other_models_end(pair):
    _, model = pair
    model.eval()
    seen = {}
    for term in model.terms.values():
        term.register_forward_pre_hook(lambda _, args: seen.update(step=args[0]))
    step_losses(model, batch())
    clip = model.data_preprocessor(batch(), training=True)['inputs']
    student, teacher = model.student, model.teachers['teacher']
    first, last, name = (
        (student, teacher, 'student') if model.assistant.student_first else (teacher, student, 'teacher')
    )
    features = StagedModel(first).run(model.views[name](clip))[1][2]
    by_hand = StagedModel(last).last(Features(model.assistant.l2g(features.grid), None))
    torch.testing.assert_close(seen['step'].assistant.logits, by_hand.logits)
    assert seen['step'].assistant.logits.shape == seen['step'].student.logits.shape


def test_a_students_shared_stages_learn_through_the_assistant(tmp_path):
    model = build_distiller(tmp_path, cnn(), vit(), HYBRID)
    names = reached(model, step_losses(model, batch())['loss_ofa_ta'])
    assert any(name.startswith('student.backbone.conv1') for name in names)
    assert any(name.startswith('student.backbone.layer3') for name in names)
    assert any(name.startswith('assistant.l2g') for name in names)
    assert not any(name.startswith(('student.backbone.layer4', 'student.head')) for name in names)


def test_a_vit_students_last_stage_learns_through_the_assistant(tmp_path):
    model = build_distiller(tmp_path, vit(), cnn(), HYBRID)
    names = reached(model, step_losses(model, batch())['loss_nce_ta'])
    assert any(name.startswith('student.backbone.layers.5') for name in names)
    assert not any(name.startswith(('student.backbone.layers.4', 'student.backbone.patch_embed')) for name in names)


@pytest.mark.parametrize(('student', 'teacher', 'first'), [(cnn(), vit(), 'student'), (vit(), cnn(), 'teacher')])
def test_shared_stages_run_once_a_step(tmp_path, student, teacher, first):
    model = build_distiller(tmp_path, student, teacher, HYBRID)
    convolution = (model.student if first == 'student' else model.teachers['teacher']).backbone.layer3[0].conv1
    calls = []
    convolution.register_forward_hook(lambda *_: calls.append(1))
    step_losses(model, batch())
    assert len(calls) == 1


def test_zero_weights_leave_the_gradients_exactly_those_of_plain_training(tmp_path):
    terms = {
        'nce': dict(type='InfoNCE', source='teacher', target='assistant', weight=0.0),
        'ofa': dict(type='OFA', source='assistant', weight=0.0),
    }
    model = build_distiller(tmp_path, cnn(), vit(), HYBRID, terms=terms)
    plain = build_plain(cnn()).train()
    plain.load_state_dict(model.student.state_dict())
    model.parse_losses(step_losses(model, batch()))[0].backward()
    plain.parse_losses(step_losses(plain, batch()))[0].backward()
    for (name, ours), theirs in zip(model.student.named_parameters(), plain.parameters(), strict=True):
        assert torch.equal(ours.grad, theirs.grad), name
    assert all(torch.equal(a, b) for a, b in zip(model.student.buffers(), plain.buffers(), strict=True))


def test_mistakes_in_the_config_are_named(tmp_path):
    with pytest.raises(ConfigError, match="'teachr'.*'teacher'"):
        build_distiller(tmp_path, cnn(), vit(), HYBRID, assistant=dict(teacher='teachr'))
    with pytest.raises(ConfigError, match='model.terms.ofa uses an assistant and there is none: model.assistant='):
        build_distiller(tmp_path, cnn(), vit(), terms=dict(ofa=dict(type='OFA', source='assistant')))
    with pytest.raises(ConfigError, match='model.assistant'):
        build_distiller(tmp_path, cnn(), vit(), HYBRID, assistant=dict(teacher='teacher', layers=3))


UNTRAINED = {
    'no term': dict(kd=dict(type='FusedKD')),
    'a detached source': dict(ofa=dict(type='OFA', source='assistant', detach_source=True)),
}


@pytest.mark.parametrize('terms', UNTRAINED.values(), ids=UNTRAINED)
def test_an_assistant_that_nothing_trains_is_an_error(tmp_path, terms):
    with pytest.raises(ConfigError, match='model.assistant is there, but none of model.terms trains it'):
        build_distiller(tmp_path, cnn(), vit(), HYBRID, terms=terms)


@pytest.mark.parametrize(
    'term', [dict(type='OFA', source='teacher', target='assistant'), dict(type='OFA', source='assistant'),
             dict(type='AssistantCE')],
)  # fmt: skip
def test_a_target_a_source_that_is_not_detached_and_a_loss_of_its_own_train_the_assistant(tmp_path, term):
    detached = dict(type='OFA', source='assistant', detach_source=True)
    model = build_distiller(tmp_path, cnn(), vit(), HYBRID, terms=dict(ofa=detached, other=term))
    losses = step_losses(model, batch())
    assert any(name.startswith('assistant') for name in reached(model, losses['loss_other']))


def test_wrong_names_are_found_before_any_model_is_built_or_downloaded(tmp_path, monkeypatch):
    monkeypatch.setattr('mmdualkd.distillers.base.build_resolved', lambda *args: pytest.fail('a model was built'))
    with pytest.raises(ConfigError, match="assistant.teacher='teachr' names no teacher; did you mean 'teacher'"):
        build_distiller(tmp_path, cnn(), vit(), HYBRID, assistant=dict(teacher='teachr'))
    with pytest.raises(ConfigError, match="model.terms.ofa.source='teachr' names no model"):
        build_distiller(tmp_path, cnn(), vit(), terms=dict(ofa=dict(type='OFA', source='teachr')))
