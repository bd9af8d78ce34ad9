# One teacher that is bad, knows nothing, or answers with other classes, beside one that is good: what each way to weigh
# them makes of it. Clips (draw 4) and the spoilt teachers come first:
#   python tools/make_demo_clips.py work_dirs/demo/draw4 --train 100 --test 1000 --seed 4
#   python tools/make_spoilt_teachers.py
title = "The demo's clips (draw 4) with the ViT teacher spoilt; the CNN teacher stays as it is."
seeds = [0, 1, 2]
views = 10
against = ['Uniform mean', 'DATW']
clips = {f'{part}_dataloader.dataset.data_root': 'work_dirs/demo/draw4' for part in ('train', 'val', 'test')}
splits = {
    'both good': dict(name='good', options=clips),
    **{
        f'ViT {name}': dict(
            name=name, options={**clips, 'model.teachers.vit.checkpoint': f'work_dirs/spoilt/{name}.pth'}
        )
        for name in ('noisy', 'random', 'permuted')
    },
}


def row(name, terms, **options):
    """The demo's student with a fragment of configs/_base_/terms, some settings of its terms changed."""
    changed = {f'model.terms.{key}': value for key, value in options.items()}
    return dict(name=name, config='configs/demo/student_distilled.py', options={'terms': terms, **changed})


guard = {'kd.weighting.guard': True}
rows = [
    row('KD from the CNN', 'kd', **{'kd.teachers': '[cnn]'}),  # the spoilt teacher left out: the same in each split
    row('KD from the ViT', 'kd'),
    row('Uniform mean', 'uniform'),
    row('EBKD', 'ebkd'),
    row('CA-MKD weights', 'uniform', **{'kd.weighting.type': 'CAMKD', 'kd.fuse': 'probabilities'}),
    row('AEKD', 'aekd'),
    row('DATW', 'datw'),
    row('DATW, guarded by labels', 'datw', **guard),
    row('Full method', 'full'),
    row('Full method, guarded by labels', 'full', **guard),
]
