# What distillation is worth as labels get few, with the labelled clips alone and with all 100. Clips come first:
#   python tools/make_demo_clips.py work_dirs/demo/draw6 --train 100 --test 1000 --seed 6
title = "Generated clips like the demo's (draw 6): of 100 training clips some have labels; as many steps in each row."
seeds = [0, 1, 2]
views = 10
against = ['20 labels, student alone', '50 labels, student alone', '100 labels, student alone']
splits = {
    'draw 6': dict(
        name='draw6',
        options={f'{part}_dataloader.dataset.data_root': 'work_dirs/demo/draw6' for part in ('train', 'val', 'test')},
    )
}
epochs = {20: 130, 50: 56, 100: 30}  # in which the labelled clips alone have 390 steps or two more


def row(labels, name, terms, alone):
    """The demo's student with so many labels; a fragment of configs/_base_/terms, or none for the student alone."""
    dataset = {'labelled_fraction': labels / 100, 'unlabelled': 'drop' if alone else 'keep'}
    length = epochs[labels if alone else 100]
    return dict(
        name=f'{labels} labels, {name}',
        config=f'configs/demo/student_{"distilled" if terms else "alone"}.py',
        options={
            **{f'train_dataloader.dataset.{key}': value for key, value in dataset.items()},
            'train_cfg.max_epochs': length,
            'train_cfg.val_interval': length,
            'param_scheduler.total_steps': length,
            **({'terms': terms} if terms else {}),
        },
    )


methods = {'KD from the ViT': 'kd', 'DATW': 'datw', 'full method': 'full'}
rows = [
    row(labels, name if alone else f'{name}, all clips', terms, alone)
    for labels in epochs
    for alone in (True, False)
    for name, terms in {'student alone': None, **methods}.items()
    if alone or (terms and labels < 100)
]
