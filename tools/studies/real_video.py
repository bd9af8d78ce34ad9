# The dual-teacher job on real video. Annotations come first: tools/make_annotations.py --help has both commands.
# How long they train for: real_video_baselines.py.
title = 'UT-Interaction (train on one set, test on the other) and Weizmann (three folds of three subjects held out).'
seeds = [0, 1, 2]
views = 40
against = ['Student alone', 'KD from the CNN']
decoded_once = {
    'train_dataloader.dataset.pipeline.0.type': 'mmdualkd.DecordInit',
    'train_dataloader.dataset.pipeline.0.keep_in': 'work_dirs/real-video/frames',
}
splits = {
    'Weizmann fold 1': dict(folder='weizmann', name='weizmann-fold1', options=decoded_once),
    'Weizmann fold 2': dict(folder='weizmann', name='weizmann-fold2', options=decoded_once),
    'Weizmann fold 3': dict(folder='weizmann', name='weizmann-fold3', options=decoded_once),
    'UT set1 to set2': dict(folder='ut_interaction', name='ut-interaction-set1-set2', options=decoded_once),
    'UT set2 to set1': dict(folder='ut_interaction', name='ut-interaction-set2-set1', options=decoded_once),
}
cnn = 'configs/teachers/{folder}/resnet3d18-w16_1xb8-16x4x1-240e_{name}-rgb.py'
vit = 'configs/teachers/{folder}/uniformer-w32_1xb8-16x4x1-240e_{name}-rgb.py'
teachers = [dict(name='Teacher CNN', config=cnn), dict(name='Teacher ViT', config=vit)]
student = 'resnet3d18-w8_1xb8-16x4x1-240e_{name}-rgb.py'
alone = 'configs/baselines/{folder}/' + student
dualkd = 'configs/dualkd/{folder}/dualkd_uniformer-w32-resnet3d18-w16_' + student
rows = [
    dict(name='Student alone', config=alone),
    dict(name='KD from the CNN', config='configs/kd/{folder}/kd_resnet3d18-w16_' + student),
    dict(name='KD from the ViT', config='configs/kd/{folder}/kd_uniformer-w32_' + student),
    dict(name='DATW', config=dualkd, options={'terms': 'datw'}),
    dict(name='Full method', config=dualkd),
    dict(name='DATW and hints', config=dualkd, options={'terms': 'datw_hints'}),
    dict(name='Full method and hints', config=dualkd, options={'terms': 'full_hints'}),
    dict(name='CA-MKD', config=dualkd, options={'terms': 'ca_mkd'}),
    dict(name='FitNets', config=dualkd, options={'terms': 'fitnets'}),
    dict(name='Full method at temperature 8', config=dualkd, options={'model.terms.kd.tau': 8.0}),
]
