# Each part of the method on the demo's clips; `make demo` draws them. 1,000 held-out clips, so that small gains show.
title = 'Ablation on the generated clips of the demo.'
seeds = [0, 1, 2]
splits = {'demo': dict(name='demo')}
distilled = 'configs/demo/student_distilled.py'


def kd(weighting='DATW', **options):
    chosen = {'model.terms.kd.type': 'FusedKD', 'model.terms.kd.weighting.type': weighting}
    return {**chosen, **{f'model.terms.kd.{key}': value for key, value in options.items()}}


def sdd(**options):
    chosen = {'model.terms.sdd.type': 'SDD'}
    return {**chosen, **{f'model.terms.sdd.{key}': value for key, value in options.items()}}


def rkd(weight, **options):
    chosen = {'model.terms.rkd.type': 'RKD', 'model.terms.rkd.teacher': 'vit', 'model.terms.rkd.weight': weight}
    return {**chosen, **{f'model.terms.rkd.{key}': value for key, value in options.items()}}


rows = [
    dict(name='Student alone', config='configs/demo/student_alone.py'),
    dict(name='KD from the CNN', config=distilled, options=kd(teachers='[cnn]')),
    dict(name='KD from the ViT', config=distilled, options=kd(teachers='[vit]')),
    dict(name='Uniform mean', config=distilled, options=kd('Uniform')),
    dict(name='CA-MKD weights', config=distilled, options=kd('CAMKD')),
    dict(name='EBKD weights', config=distilled, options=kd('EBKD')),
    dict(name='DATW', config=distilled, options=kd()),
    dict(name='DATW, sum', config=distilled, options={**kd(), 'model.terms.kd.weighting.score': 'sum'}),
    dict(name='DATW, confidence', config=distilled, options={**kd(), 'model.terms.kd.weighting.score': 'confidence'}),
    dict(name='DATW, discrepancy', config=distilled, options={**kd(), 'model.terms.kd.weighting.score': 'discrepancy'}),
    dict(name='DATW, teachers standardised', config=distilled, options=kd(standardise_teachers=True)),
    dict(name='DATW and SDD', config=distilled, options={**kd(), **sdd()}),
    dict(name='DATW and SDD of learned phi', config=distilled, options={**kd(), **sdd(phi='learned')}),
    dict(name='DATW and RKD at 1', config=distilled, options={**kd(), **rkd(1)}),
    dict(name='DATW and RKD at 25', config=distilled, options={**kd(), **rkd(25)}),
    dict(name='DATW and RKD of logits at 1', config=distilled, options={**kd(), **rkd(1, features='logits')}),
    dict(name='Full method', config=distilled),
]
