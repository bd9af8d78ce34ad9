"""A token student of the hybrid assistant under DDP: its last blocks run twice a step, here with checkpointing."""

import copy

import tiny_pictures
import torch
from mmengine.model import MMDistributedDataParallel
from two_processes import device_of, run_two

HYBRID = 'HybridAssistantDistiller'


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


def half(rank, folder):
    torch.manual_seed(0)
    model = tiny_pictures.build_distiller(folder / str(rank), swin(with_cp=True), tiny_pictures.cnn(), HYBRID)
    device = device_of(rank)
    model = MMDistributedDataParallel(model.to(device), device_ids=None if device.type == 'cpu' else [rank])
    data = tiny_pictures.batch()
    part = slice(2 * rank, 2 * rank + 2)
    return gradients(model, dict(inputs=data['inputs'][part], data_samples=data['data_samples'][part]))


def test_a_checkpointed_token_student_learns_what_one_process_teaches_without(tmp_path):
    for rank in range(2):
        (tmp_path / str(rank)).mkdir()
    first, second = run_two(half, tmp_path, tmp_path)
    model = tiny_pictures.build_distiller(tmp_path, swin(), tiny_pictures.cnn(), HYBRID)
    loss, expected = gradients(model, tiny_pictures.batch())
    torch.testing.assert_close((first[0] + second[0]) / 2, loss)
    for name, gradient in expected.items():
        for _, ours in (first, second):
            torch.testing.assert_close(ours[name], gradient, rtol=1e-4, atol=1e-6, msg=name)
