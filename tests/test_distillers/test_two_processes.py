"""A token student of the hybrid assistant under DDP: its last blocks run twice a step, here with checkpointing.

Also where some pictures, in one of the processes all, have no label.
"""

import copy

import tiny_pictures
import torch
from mmengine.model import MMDistributedDataParallel
from two_processes import device_of, run_two

from mmdualkd.errors import ConfigError

HYBRID = 'HybridAssistantDistiller'
LABELS = [2, -1, -1, -1]


def swin(**backbone):
    """A Swin of few channels for 32 pixels."""
    arch = dict(embed_dims=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2])
    return dict(
        type='mmpretrain.ImageClassifier',
        backbone=dict(
            type='SwinTransformer', arch=arch, img_size=tiny_pictures.SIZE, patch_size=2, window_size=2,
            drop_path_rate=0.0, **backbone,
        ),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=tiny_pictures.CLASSES, in_channels=64),
        data_preprocessor=tiny_pictures.PREPROCESSOR,
    )  # fmt: skip


def gradients(model, data):
    """Loss and gradients of a step, by the path that MMEngine takes."""
    inner = getattr(model, 'module', model)
    losses = model(**inner.data_preprocessor(copy.deepcopy(data), training=True), mode='loss')
    loss = inner.parse_losses(losses)[0]
    loss.backward()
    return loss.item(), {name: value.grad.cpu().clone() for name, value in inner.named_parameters()}


def partly_labelled():
    """The batch with a label in the first process alone."""
    data = tiny_pictures.batch()
    for sample, label in zip(data['data_samples'], LABELS, strict=True):
        sample.set_gt_label(label)
    return data


def half(rank, folder):
    torch.manual_seed(0)
    model = tiny_pictures.build_distiller(folder / str(rank), swin(with_cp=True), tiny_pictures.cnn(), HYBRID)
    device, part, results = device_of(rank), slice(2 * rank, 2 * rank + 2), []
    try:
        gradients(model, {name: values[part] for name, values in partly_labelled().items()})
    except ConfigError as error:
        results.append(str(error))
    model = MMDistributedDataParallel(model.to(device), device_ids=None if device.type == 'cpu' else [rank])
    for data in (tiny_pictures.batch(), partly_labelled()):
        model.zero_grad()
        results.append(gradients(model, {name: values[part] for name, values in data.items()}))
        model.module.expect_unlabelled()  # as PreflightHook tells all processes
    return results


def test_a_checkpointed_token_student_learns_what_one_process_teaches_without(tmp_path):
    for rank in range(2):
        (tmp_path / str(rank)).mkdir()
    (error, *first), (_, *second) = run_two(half, tmp_path, tmp_path)
    assert 'samples without a label (-1) in several processes need mmdualkd.PreflightHook' in error
    for data, one, other in zip((tiny_pictures.batch(), partly_labelled()), first, second, strict=True):
        model = tiny_pictures.build_distiller(tmp_path, swin(), tiny_pictures.cnn(), HYBRID)
        loss, expected = gradients(model, data)
        torch.testing.assert_close((one[0] + other[0]) / 2, loss)
        for name, gradient in expected.items():
            for _, ours in (one, other):
                torch.testing.assert_close(ours[name], gradient, rtol=1e-4, atol=1e-6, msg=name)
