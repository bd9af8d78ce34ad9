"""What stands between a training and targets of another clip, where no setting tells them apart."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from cache_jobs import TWO, bytes_of, error_of, leaf, losses_of, same_weights, train, write_cache
from helpers import ROOT, environment
from jobs import Job
from mmcv.transforms import TRANSFORMS, BaseTransform
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope

from mmdualkd.cache import TeacherCache
from mmdualkd.datasets import VideoDataset
from mmdualkd.distillers.caching import check_holds
from mmdualkd.errors import CacheError
from mmdualkd.losses import Step, Term
from mmdualkd.outputs import Outputs
from mmdualkd.registry import MODELS as OURS

KD = "model = dict(terms=dict(kd=dict(type='FusedKD')))\n"
NOISY = """
custom_imports = dict(imports=['mmdualkd', 'jobs', 'test_guards'], allow_failed_imports=False)
train_dataloader = dict(dataset=dict(pipeline=[
    *_base_.pipeline[:3], dict(type='NoiseOfEachFrame'), *_base_.pipeline[3:]]))
"""
PARTS = """
part = _base_.train_dataloader.dataset
train_dataloader = dict(dataset=dict(_delete_=True, type='ConcatDataset', datasets=[
    dict(type='RepeatDataset', times=2, dataset=dict(part, num_views=VIEWS, indices=[0, 1, 6])),
    dict(part, num_views=VIEWS, indices=[2, 3, 4, 5, 7])]))
"""


@TRANSFORMS.register_module(force=True)
class NoiseOfEachFrame(BaseTransform):
    """Draws as many random numbers as there are frames."""

    def transform(self, results):
        np.random.rand(len(results['imgs']))
        return results


@TRANSFORMS.register_module(force=True)
class OwnFlip(BaseTransform):
    """Flips by random numbers of its own, as imgaug and albumentations draw theirs."""

    def __init__(self):
        self.own = np.random.default_rng()

    def transform(self, results):
        results['imgs'] = [frame[:, :: self.own.choice([-1, 1])] for frame in results['imgs']]
        return results


@OURS.register_module(force=True)
class DrawingTerm(Term):
    """Draws random numbers, as a term with dropout does."""

    def forward(self, step):
        return sum((torch.rand(()) * teacher.logits).mean() for teacher in step.teachers.values())


def test_another_video_of_the_same_size_is_found(job, cache, tmp_path):
    clips = shutil.copytree(job.config.parent / 'clips', tmp_path / 'clips')
    videos = sorted(clips.glob('*.avi'))
    content = videos[1].read_bytes()
    size = videos[0].stat().st_size
    videos[0].write_bytes(content[:size].ljust(size, b'\0'))
    options = [
        f'train_dataloader.dataset.ann_file={next(clips.glob("*.txt"))}',
        f'train_dataloader.dataset.data_prefix.video={clips}',
    ]
    error = error_of(job, tmp_path / 'run', *options, f'model.teacher_cache={cache}')
    assert f'CacheError: model.teacher_cache does not fit {videos[0]}' in error


def test_a_config_without_teachers_has_nothing_to_cache(job, tmp_path):
    parts = 'views=dict(_delete_=True, student=dict(clip_len=4, size=24)), teachers=dict(_delete_=True), terms={}'
    alone = leaf(job, tmp_path, f"model = dict(type='mmdualkd.Distiller', {parts})\n")
    output = write_cache(alone, tmp_path / 'c', '--views', 1, ok=False)
    assert f'ConfigError: {alone.config}: model.teachers has none: there is nothing to cache' in output
    assert not (tmp_path / 'c').exists()


def test_a_transform_that_draws_for_each_frame_is_found(job, tmp_path):
    noisy = leaf(job, tmp_path, NOISY)
    env = environment(ROOT, ROOT / 'tests', Path(__file__).parent)
    write_cache(noisy, tmp_path / 'c', '--views', 1, env=env)
    error = train(noisy, tmp_path / 'run', f'model.teacher_cache={tmp_path / "c"}', ok=False, env=env)
    assert 'or a transform whose random numbers depend on how many frames it is given' in error


def test_a_transform_with_random_numbers_of_its_own_is_refused(job, tmp_path):
    flipped = leaf(job, tmp_path, NOISY.replace('NoiseOfEachFrame', 'OwnFlip'))
    env = environment(ROOT, ROOT / 'tests', Path(__file__).parent)
    output = write_cache(flipped, tmp_path / 'c', '--views', 1, env=env, ok=False)
    assert 'CacheError: train_dataloader.dataset gives one view of sample ' in output
    assert 'a transform of its pipeline draws from random numbers of its own' in output


def test_a_student_whose_view_moves_the_teachers_frames_is_found(job, cache, tmp_path):
    longer = leaf(job, tmp_path, KD)
    options = ['model.views.student.frame_interval=3', f'model.teacher_cache={cache}']  # 12 frames around their 8
    assert "another student's view" in error_of(longer, tmp_path / 'run', *options)


def test_a_student_of_other_rows_is_refused(cache):
    two = Outputs(torch.zeros(2, 2), torch.zeros(2, 4), torch.zeros(2, 4, 1, 1, 1))
    with pytest.raises(CacheError, match='is for a student of 1 rows a sample, this one has 2'):
        check_holds(TeacherCache(cache), torch.nn.ModuleDict(), Step(two, {}, torch.eye(2)))


def test_files_of_another_cache_are_no_files_of_this_one(job, cache, tmp_path):
    ours = shutil.copytree(cache, tmp_path / 'ours')
    state = torch.load(job.config.parent / 'vit.pth')
    state['cls_head.fc_cls.bias'][0] += 1
    torch.save(state, tmp_path / 'vit.pth')
    options = ['--cfg-options', f'model.teachers.vit.checkpoint={tmp_path / "vit.pth"}']
    write_cache(job, tmp_path / 'theirs', '--views', 2, '--dtype', 'float32', *options)
    shutil.copy(tmp_path / 'theirs' / 'view0001-00000.npy', ours)
    assert 'of view0001-00000.npy is damaged' in error_of(job, tmp_path / 'run', f'model.teacher_cache={ours}')
    write_cache(job, ours, '--views', 2, '--dtype', 'float32')
    assert bytes_of(ours) == bytes_of(cache)


def test_data_sets_of_unequal_size_in_wrappers_read_their_own_records(job, tmp_path):
    cached, online = (tmp_path / name for name in ('cached', 'online'))
    for folder, views in ((cached, 'None'), (online, '4')):
        folder.mkdir()
        leaf(job, folder, PARTS.replace('VIEWS', views))
    write_cache(Job(cached / 'leaf.py', cached), tmp_path / 'c', '--views', 4, '--dtype', 'float32')
    train(Job(online / 'leaf.py', online), tmp_path / 'a', 'randomness.seed=0')
    train(Job(cached / 'leaf.py', cached), tmp_path / 'b', f'model.teacher_cache={tmp_path / "c"}')
    assert losses_of(tmp_path / 'a') == pytest.approx(losses_of(tmp_path / 'b'), rel=1e-5)


def test_what_a_transform_draws_when_it_is_built_goes_by_the_view_seed(job):
    def order(seed, **kwargs):
        np.random.seed(seed)
        cfg = Config.fromfile(job.config).train_dataloader.dataset
        cfg.pop('type')
        with DefaultScope.overwrite_default_scope('mmaction'):
            dataset = VideoDataset(**cfg, **kwargs)
        return [t.fn_idx.tolist() for t in dataset.pipeline.transforms if hasattr(t, 'fn_idx')]

    assert order(0) == order(1) == order(2)
    assert len({str(order(0, view_seed=seed)) for seed in range(8)}) > 1


def test_building_with_a_cache_leaves_the_random_numbers_as_they_are(job, cache):
    def after(teacher_cache):
        cfg = Config.fromfile(job.config).model
        cfg.terms = dict(drawn=dict(type='DrawingTerm'), kd=dict(type='FusedKD'), rkd=dict(type='RKD', teacher='vit'))
        torch.manual_seed(0)
        model = MODELS.build({**cfg, 'teacher_cache': teacher_cache})
        return torch.rand(3).tolist(), [value.sum().item() for value in model.student.state_dict().values()]

    assert after(None) == after(str(cache))


def test_a_cache_stays_what_it_is_while_more_views_are_asked_for_in_vain(job, cache, tmp_path):
    ours = shutil.copytree(cache, tmp_path / 'c')
    (ours / 'view0002-00000.npy').mkdir()
    assert 'is no cache and not empty' in write_cache(job, ours, '--views', 3, '--dtype', 'float32', ok=False)
    (ours / 'view0002-00000.npy').rmdir()
    options = ['--cfg-options', 'train_dataloader.batch_size=0']
    write_cache(job, ours, '--views', 3, '--dtype', 'float32', *options, ok=False)
    train(job, tmp_path / 'run', f'model.teacher_cache={ours}')


def test_a_folder_with_spaces_is_found(job, cache, tmp_path):
    train(job, tmp_path / 'a', f'model.teacher_cache={shutil.copytree(cache, tmp_path / "my teachers")}')
    train(job, tmp_path / 'b', TWO)
    assert same_weights(tmp_path / 'a', tmp_path / 'b')


def test_mixed_precision_on_one_side_alone_is_told(job, cache, tmp_path):
    said = 'its teachers ran in float32, this training is in mixed precision'
    assert said in train(job, tmp_path, f'model.teacher_cache={cache}', 'optim_wrapper.type=AmpOptimWrapper')


def test_the_hybrid_method_whose_assistant_stands_in_no_config_is_refused_before_teachers_run(job, tmp_path):
    parts = 'num_classes=2, student=was.student, teachers=dict(cnn=was.teachers.cnn)'
    views = 'views=dict(student=was.views.student, cnn=was.views.cnn)'
    kind = "_delete_=True, type='mmdualkd.HybridAssistantDistiller'"
    hybrid = leaf(job, tmp_path, f'was = _base_.model\nmodel = dict({kind}, {parts}, {views})\ndel was\n')
    text = write_cache(hybrid, tmp_path / 'c', '--views', '2', ok=False, cwd=tmp_path)
    assert 'leaf.py: model.teacher_cache and model.assistant do not go together' in text.splitlines()[-1]
