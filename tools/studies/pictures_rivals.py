# tools/studies/pictures.py with every method that a table of distillation shows between models of different kinds.
_base_ = 'pictures.py'
title = 'Pairs of a CNN, a ViT and an MLP on pictures at 32 pixels: the hybrid assistant and its rivals.'
against = ['Hybrid assistant', 'KD']
here = _base_.here
kd = 'configs/kd/pictures/kd_{teacher}_' + _base_.student
hybrid = 'configs/hybrid/pictures/hybrid_{teacher}_' + _base_.student
named = dict(DKD='dkd', DIST='dist', FitNets='fitnets', RSD='rsd')
rows = [
    dict(name='Student alone', config='configs/baselines/pictures/' + _base_.student, options=here),
    dict(name='KD', config=kd, options=here),
    *(dict(name=name, config=kd, options={**here, 'terms': f'pictures/{terms}'}) for name, terms in named.items()),
    dict(name='DKD at beta 0.5', config=kd, options={**here, 'terms': 'pictures/dkd', 'model.terms.dkd.beta': 0.5}),
    dict(name='OFA with exits', config=kd, options={**here, 'terms': 'pictures/ofa'}),
    dict(name='InfoNCE and OFA', config=hybrid, options=_base_.unassisted),
    dict(name='Hybrid assistant', config=hybrid, options=here),
]
