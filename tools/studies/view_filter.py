# What the filter that shrinks a view is worth: GRID words at 48 pixels out of clips of 64, as X3D-S takes 160 of 224.
# Validation resizes by OpenCV's bilinear filter, as MMAction2's own pipelines and an exported student do.
title = 'GRID words, the student alone at 48 pixels, its training view shrunk from 64 by either filter.'
seeds = [0, 1, 2]
splits = {'GRID words': dict(name='grid-words')}
student = 'configs/baselines/grid_words/resnet3d18-w8_1xb16-16x1x1-15e_{name}-rgb.py'
smaller = {'model.views.student.size': 48}
smaller |= {f'{part}_dataloader.dataset.pipeline.3.scale': '(48,48)' for part in ('val', 'test')}
rows = [
    dict(name='Bilinear, as in testing', config=student, options=smaller),
    dict(name='With antialiasing', config=student, options={**smaller, 'model.views.student.antialias': True}),
]
