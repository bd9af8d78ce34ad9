# Each part of the method on clips like the demo's, three draws of labelled clips. They come first, for 3, 4 and 5:
#   python tools/make_demo_clips.py work_dirs/demo/draw3 --train 100 --test 1000 --seed 3
title = "Ablation on generated clips like the demo's, 100 labelled and 1,000 held-out clips a draw."
seeds = [0, 1]
splits = {
    f'draw {seed}': dict(
        name=f'draw{seed}',
        options={
            f'{part}_dataloader.dataset.data_root': f'work_dirs/demo/draw{seed}' for part in ('train', 'val', 'test')
        },
    )
    for seed in (3, 4, 5)
}
distilled = 'configs/demo/student_distilled.py'


kd = {'model.terms.kd.type': 'FusedKD', 'model.terms.kd.weighting.type': 'DATW'}


def sdd(**options):
    chosen = {'model.terms.sdd.type': 'SDD'}
    return {**chosen, **{f'model.terms.sdd.{key}': value for key, value in options.items()}}


def rkd(weight, **options):
    chosen = {'model.terms.rkd.type': 'RKD', 'model.terms.rkd.teacher': 'vit', 'model.terms.rkd.weight': weight}
    return {**chosen, **{f'model.terms.rkd.{key}': value for key, value in options.items()}}


rows = [
    dict(name='Student alone', config='configs/demo/student_alone.py'),
    dict(name='DATW', config=distilled, options=kd),
    dict(name='DATW, sum', config=distilled, options={**kd, 'model.terms.kd.weighting.score': 'sum'}),
    dict(name='DATW and SDD of class maps', config=distilled, options={**kd, **sdd(residual='class_maps')}),
    dict(name='DATW and SDD explained away', config=distilled, options={**kd, **sdd(residual='explained_away')}),
    dict(name='DATW and SDD of a shared head', config=distilled, options={**kd, **sdd(residual='shared_head')}),
    dict(name='DATW and RKD at 1', config=distilled, options={**kd, **rkd(1)}),
    dict(name='DATW and RKD at 25', config=distilled, options={**kd, **rkd(25)}),
    dict(name='DATW and RKD of logits at 1', config=distilled, options={**kd, **rkd(1, features='logits')}),
    dict(name='Full method', config=distilled),
]
