# tools/studies/pictures_long.py between models of one kind, with the methods that have been made for these.
_base_ = 'pictures_long.py'
title = 'A CNN of 16 channels into one of 8 on pictures at 32 pixels, students of 60 epochs.'
against = ['Student alone', 'KD']
splits = {'_delete_': True, 'CNN from CNN': dict(name='cnn-from-cnn', teacher='cnn-w16', epochs=20, student='cnn-w8')}
long = {**_base_.here, **_base_.long}
named = {
    **{name: name.lower() for name in ('DKD', 'MLLD', 'DIST', 'RKD', 'AT', 'SP', 'FitNets', 'RSD')},
    'KD of standardised logits': 'kd_standardised',
}
rows = [
    dict(name='Student alone', config='configs/baselines/pictures/' + _base_.student, options=long),
    dict(name='KD', config=_base_.kd, options=long),
    *(dict(name=name, config=_base_.kd, options={**long, 'terms': f'pictures/{file}'}) for name, file in named.items()),
    dict(
        name='DKD at beta 0.5',
        config=_base_.kd,
        options={**long, 'terms': 'pictures/dkd', 'model.terms.dkd.beta': 0.5},
    ),
]
