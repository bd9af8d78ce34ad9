# The full method with its teachers run in every step, and read from a cache: accuracy and seconds, pair by pair. Clips,
# annotations and teachers come first: make demo's clips (draw 4), the annotations of configs/README.md, and
#   python tools/run_study.py tools/studies/real_video.py --splits 'UT set1 to set2' --rows 'Teacher CNN' 'Teacher ViT'
#   python tools/run_study.py tools/studies/grid_words.py --rows 'Teacher CNN' 'Teacher ViT'
title = 'Teachers run in every step and read from a cache (float16), the same ten views of each clip.'
seeds = [0, 1, 2]
views = 10
ut = 'resnet3d18-w8_1xb8-16x4x1-240e_ut-interaction-set1-set2-rgb.py'
words = 'resnet3d18-w8_1xb16-16x1x1-15e_grid-words-rgb.py'
splits = {
    'generated clips': dict(
        name='demo',
        distilled='configs/demo/student_distilled.py',
        options={f'{part}_dataloader.dataset.data_root': 'work_dirs/demo/draw4' for part in ('train', 'val', 'test')},
    ),
    'UT-Interaction set1 to set2': dict(
        name='ut',
        distilled=f'configs/dualkd/ut_interaction/dualkd_uniformer-w32-resnet3d18-w16_{ut}',
    ),
    'GRID words': dict(
        name='words',
        distilled=f'configs/dualkd/grid_words/dualkd_uniformer-w16-resnet3d18-w16_{words}',
    ),
}
rows = [
    dict(name='Full method, teachers run', config='{distilled}', options={'model.teacher_cache': None}),
    dict(name='Full method, teachers cached', config='{distilled}'),
]
