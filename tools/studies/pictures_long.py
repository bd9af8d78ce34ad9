# tools/studies/pictures.py with students of 60 epochs in place of 20: what of the gain a longer schedule leaves.
_base_ = 'pictures.py'

title = 'Pairs of a CNN, a ViT and an MLP at 32 pixels, 60 epochs.'
long = {
    'train_cfg.max_epochs': 60,
    'train_cfg.val_interval': 60,
    'param_scheduler.1.T_max': 57,
    'param_scheduler.1.end': 60,
}
kept = ('Student alone', 'OFA', 'Hybrid assistant', 'without the assistant')
rows = [dict(row, options={**row['options'], **long}) for row in _base_.rows if row['name'] in kept]
