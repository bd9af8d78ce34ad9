# The dual-teacher job on real video. Annotations come first: tools/make_annotations.py --help has both commands.
title = 'UT-Interaction (train on one set, test on the other) and Weizmann (three folds of three subjects held out).'
seeds = [0, 1, 2]
splits = {
    'Weizmann fold 1': dict(folder='weizmann', name='weizmann-fold1'),
    'Weizmann fold 2': dict(folder='weizmann', name='weizmann-fold2'),
    'Weizmann fold 3': dict(folder='weizmann', name='weizmann-fold3'),
    'UT set1 to set2': dict(folder='ut_interaction', name='ut-interaction-set1-set2'),
    'UT set2 to set1': dict(folder='ut_interaction', name='ut-interaction-set2-set1'),
}
teachers = [
    dict(name='Teacher CNN', config='configs/teachers/{folder}/resnet3d18-w16_1xb8-16x4x1-100e_{name}-rgb.py'),
    dict(name='Teacher ViT', config='configs/teachers/{folder}/uniformer-w32_1xb8-16x4x1-100e_{name}-rgb.py'),
]
student = 'resnet3d18-w8_1xb8-16x4x1-40e_{name}-rgb.py'
dualkd = 'configs/dualkd/{folder}/dualkd_uniformer-w32-resnet3d18-w16_' + student
rows = [
    dict(name='Student alone', config='configs/baselines/{folder}/' + student),
    dict(name='KD from the CNN', config='configs/kd/{folder}/kd_resnet3d18-w16_' + student),
    dict(name='KD from the ViT', config='configs/kd/{folder}/kd_uniformer-w32_' + student),
    dict(name='Full method', config=dualkd),
]
