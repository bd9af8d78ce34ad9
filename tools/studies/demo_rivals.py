# Every method for clips that this package has, on clips like the demo's: draws 5 and 6, see demo_settings.py for them.
_base_ = 'demo_settings.py'
title = "Every method on generated clips like the demo's, 100 labelled and 1,000 held-out clips a draw."
against = ['Student alone', 'KD from the ViT']


def row(name, terms, **options):
    """The demo's student with a fragment of configs/_base_/terms, some settings of its terms changed."""
    changed = {f'model.terms.{key}': value for key, value in options.items()}
    return dict(name=name, config='configs/demo/student_distilled.py', options={'terms': terms, **changed})


rows = [
    dict(name='Student alone', config='configs/demo/student_alone.py'),
    row('KD from the CNN', 'kd', **{'kd.teachers': '[cnn]'}),
    row('KD from the ViT', 'kd'),
    row('KD of standardised logits', 'kd_standardised'),
    row('Uniform mean', 'uniform'),
    row('Uniform mean of probabilities', 'uniform_probabilities'),
    row('EBKD', 'ebkd'),
    row('CA-MKD', 'ca_mkd'),
    row('AEKD', 'aekd'),
    row('DKD', 'dkd'),
    row('DIST', 'dist'),
    row('RKD', 'rkd'),
    row('RKD at 1', 'rkd', **{'rkd.weight': 1.0}),
    row('MLLD', 'mlld'),
    row('FitNets', 'fitnets'),
    row('AT from the CNN', 'at', **{'at.source': 'cnn'}),  # the ViT gives its class token alone
    row('SP', 'sp'),
    row('SP at 100', 'sp', **{'sp.weight': 100.0}),
    row('RSD', 'rsd'),
    row('DATW', 'datw'),
    row('DATW and SDD', 'datw', **{'sdd.type': 'SDD'}),
    row('DATW and hints', 'datw_hints'),
    row('DATW and hints, both by DATW', 'datw_hints', **{'features.weighting.type': 'DATW'}),
    row('Full method', 'full'),
]
