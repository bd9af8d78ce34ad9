# What the full method's temperature, weights and warm-up are worth on clips like the demo's. Clips come first, here
# for draw 5, and for 6, on which nothing was chosen:
#   python tools/make_demo_clips.py work_dirs/demo/draw5 --train 100 --test 1000 --seed 5
_base_ = 'demo_ablation.py'
title = "The full method's settings on generated clips like the demo's, 100 labelled and 1,000 held-out clips a draw."
seeds = [0, 1, 2]
views = 10
against = ['Full method', 'RSD']
parts = 'train', 'val', 'test'
splits = {
    '_delete_': True,
    **{
        f'draw {draw}': dict(
            name=f'draw{draw}',
            options={f'{part}_dataloader.dataset.data_root': f'work_dirs/demo/draw{draw}' for part in parts},
        )
        for draw in (5, 6)
    },
}


def row(name, terms='full', **options):
    """The demo's student with a fragment of configs/_base_/terms and settings of the model."""
    changed = {f'model.{key}': value for key, value in options.items()}
    return dict(name=name, config=_base_.distilled, options={'terms': terms, **changed})


rows = [
    dict(name='Student alone', config='configs/demo/student_alone.py'),
    row('Full method'),
    row('DATW', 'datw'),
    row('DATW and hints', 'datw_hints'),
    row('Full method and hints', **{'terms.features.type': 'FusedFeatures', 'terms.features.weight': 50.0}),
    *(row(f'Temperature {value}', **{'terms.kd.tau': value}) for value in (1.0, 2.0, 8.0)),
    row('Standardised logits', **{'terms.kd.standardise_logits': True}),
    *(row(f'FusedKD at {value}', **{'terms.kd.weight': value}) for value in (0.3, 3.0)),
    *(row(f'SDD at {value}', **{'terms.sdd.weight': value}) for value in (0.3, 3.0, 30.0)),
    row('SDD of class maps at 30', **{'terms.sdd.residual': 'class_maps', 'terms.sdd.weight': 30.0}),
    *(row(f'RKD at {value}', **{'terms.rkd.weight': value}) for value in (0.3, 3.0)),
    row('Terms grow over a fifth', warmup_iters=78),  # of 390 iterations
    row('RSD', 'rsd'),
    *(row(f'RSD at {value}', 'rsd', **{'terms.rsd.weight': value}) for value in (0.3, 1.0)),
]
