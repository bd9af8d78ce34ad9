# Every method that a table of distillation shows, on words seen on a speaker's mouth, by the share of labelled clips.
# grid_baselines.py has chosen the epochs. Annotations (see configs/README.md) and teachers come first:
#   python tools/run_study.py tools/studies/grid_words.py --rows 'Teacher CNN' 'Teacher ViT'
_base_ = 'grid_baselines.py'
title = 'GRID words, one speaker, 26 words; teachers know all 3,955 clips, 990 clips of other sentences are tested on.'
views = 10
against = ['Student alone', 'KD from the ViT']
pair = 'dualkd_uniformer-w16-resnet3d18-w16_resnet3d18-w8_1xb16-16x1x1-15e_grid-words-rgb.py'
dualkd = f'configs/dualkd/grid_words/{pair}'
lengths = {'10 % of the labels': '120 epochs', '40 % of the labels': '60 epochs', 'all labels': '30 epochs'}
splits = {head: dict(options=_base_.lengths[length]) for head, length in lengths.items()}  # beside the share's


def row(name, terms, **options):
    """The pair with a fragment of configs/_base_/terms, some settings of its terms changed."""
    changed = {f'model.terms.{key}': value for key, value in options.items()}
    return dict(name=name, config=dualkd, options={'terms': terms, **changed})


rows = [
    dict(name='Student alone', config=_base_.student),
    row('KD from the CNN', 'kd', **{'kd.teachers': '[cnn]'}),
    row('KD from the ViT', 'kd'),
    row('Uniform mean', 'uniform'),
    row('EBKD', 'ebkd'),
    row('CA-MKD', 'ca_mkd'),
    row('AEKD', 'aekd'),
    row('DKD', 'dkd'),
    row('DIST', 'dist'),
    row('RKD', 'rkd'),
    row('FitNets', 'fitnets'),
    row('RSD', 'rsd'),
    row('DATW', 'datw'),
    row('DATW and SDD', 'datw', **{'sdd.type': 'SDD'}),
    row('Full method', 'full'),
]
three = ('Uniform mean', 'EBKD', 'DKD', 'DIST', 'RKD', 'RSD')  # the others lead, or are what those are compared with
for one in rows:
    if one['name'] not in three:
        one['seeds'] = [0, 1, 2, 3, 4]
