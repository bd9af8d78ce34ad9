# Hybrid assistants on any folder of pictures, train/<class>/ and test/<class>/, at 32 pixels: teachers learn from all
# pictures, students from 200 of each class. The folder is data/pictures, or that in the environment variable PICTURES.
import os

folder = os.environ.get('PICTURES', 'data/pictures')
classes = sum(entry.is_dir() for entry in os.scandir(f'{folder}/train'))
title = f'Pairs of a CNN, a ViT and an MLP on pictures of {classes} classes at 32 pixels.'
seeds = [0, 1, 2]
there = {f'{split}_dataloader.dataset.data_root': folder for split in ('train', 'val', 'test')}
here = {**there, 'model.num_classes': classes}
splits = {
    'CNN from ViT': dict(name='cnn-from-vit', teacher='swin-w24', epochs=60, student='cnn-w8'),
    'ViT from CNN': dict(name='vit-from-cnn', teacher='cnn-w16', epochs=20, student='vit-w48'),
    'MLP from CNN': dict(name='mlp-from-cnn', teacher='cnn-w16', epochs=20, student='mlp-w64'),
}
student = '{student}_1xb32-20e_pictures-32.py'
hybrid = 'configs/hybrid/pictures/hybrid_{teacher}_' + student


every = ('nce_ts', 'ofa_ts', 'nce_ta', 'ofa_ta', 'nce_as', 'ofa_as')


def only(*terms, **others):
    """The hybrid's terms that stay, nce or ofa from and to (t)eacher, (a)ssistant, (s)tudent; others of the model."""
    models = dict(t='teacher', a='assistant', s='student')
    options = {**here, **{f'model.{key}': value for key, value in others.items()}}
    for term in terms:
        kind, way = term.split('_')
        key = f'model.terms.{term}'
        options[f'{key}.type'] = dict(nce='InfoNCE', ofa='OFA')[kind]
        options[f'{key}.source'], options[f'{key}.target'] = models[way[0]], models[way[1]]
    return options


unassisted = only('nce_ts', 'ofa_ts', type='mmdualkd.Distiller')
teachers = [
    dict(
        name='Teacher',
        config='configs/teachers/pictures/{teacher}_1xb64-{epochs}e_pictures-32.py',
        options={**there, 'model.head.num_classes': classes},
    )
]
rows = [
    dict(name='Student alone', config='configs/baselines/pictures/' + student, options=here),
    dict(name='KD', config='configs/kd/pictures/kd_{teacher}_' + student, options=here),
    dict(name='OFA', config='configs/kd/pictures/ofa_{teacher}_' + student, options=here),
    dict(name='Hybrid assistant', config=hybrid, options=here),
    dict(name='without L(T,F)', config=hybrid, options=only('nce_ts', 'ofa_ts', 'nce_as', 'ofa_as')),
    dict(name='without InfoNCE', config=hybrid, options=only('ofa_ts', 'ofa_ta', 'ofa_as')),
    dict(name='without OFA', config=hybrid, options=only('nce_ts', 'nce_ta', 'nce_as')),
    dict(name='without the assistant', config=hybrid, options=unassisted),
    dict(name='assistant learns the labels', config=hybrid, options=only(*every, **{'terms.ce.type': 'AssistantCE'})),
    dict(
        name='symmetric InfoNCE',
        config=hybrid,
        options=only(*every, **{f'terms.{term}.symmetric': True for term in every if term.startswith('nce')}),
    ),
    dict(
        name='assistant detached as source',
        config=hybrid,
        options=only(*every, **{f'terms.{term}.detach_source': True for term in ('nce_as', 'ofa_as')}),
    ),
]
