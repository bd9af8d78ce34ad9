# The forms of SDD, and the method's other parts, on words seen on a speaker's mouth. Annotations come first, see
# configs/README.md.
title = 'GRID words, one speaker, 26 words. Teachers know 3,955 clips, students 1,319; 990 clips of other sentences.'
seeds = [0, 1]
decoded_once = {
    'train_dataloader.dataset.pipeline.0.type': 'mmdualkd.DecordInit',
    'train_dataloader.dataset.pipeline.0.keep_in': 'work_dirs/grid-words/frames',
}
splits = {'GRID words': dict(name='grid-words', options=decoded_once)}
teachers = [
    dict(name='Teacher CNN', config='configs/teachers/grid_words/resnet3d18-w16_1xb16-16x1x1-24e_{name}-rgb.py'),
    dict(name='Teacher ViT', config='configs/teachers/grid_words/uniformer-w16_1xb16-16x1x1-24e_{name}-rgb.py'),
]
student = 'resnet3d18-w8_1xb16-16x1x1-15e_{name}-rgb.py'
dualkd = 'configs/dualkd/grid_words/dualkd_uniformer-w16-resnet3d18-w16_' + student
kd = {'model.terms.kd.type': 'FusedKD', 'model.terms.kd.weighting.type': 'DATW'}


def sdd(residual):
    return {**kd, 'model.terms.sdd.type': 'SDD', 'model.terms.sdd.residual': residual}


rows = [
    dict(name='Student alone', config='configs/baselines/grid_words/' + student),
    dict(name='Uniform mean', config=dualkd, options={**kd, 'model.terms.kd.weighting.type': 'Uniform'}),
    dict(name='DATW', config=dualkd, options=kd),
    dict(name='DATW and SDD of class maps', config=dualkd, options=sdd('class_maps')),
    dict(name='DATW and SDD explained away', config=dualkd, options=sdd('explained_away')),
    dict(name='DATW and SDD of a shared head', config=dualkd, options=sdd('shared_head')),
    dict(
        name='DATW and RKD',
        config=dualkd,
        options={**kd, 'model.terms.rkd.type': 'RKD', 'model.terms.rkd.teacher': 'vit'},
    ),
    dict(name='Full method', config=dualkd),
]
