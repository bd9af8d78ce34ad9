# tools/studies/pictures_rivals.py with students of 60 epochs in place of 20, and of 120: what a longer schedule leaves
# of each method. Teachers come first: python tools/run_study.py tools/studies/pictures_rivals.py --rows Teacher
_base_ = 'pictures_rivals.py'
title = 'Pairs of a CNN, a ViT and an MLP on pictures at 32 pixels, students of 60 epochs and more.'
views = 60
cache_dtype = 'float32'
against = ['Student alone', 'KD', 'Hybrid assistant']


lengths = {  # a warm-up of 3 epochs, then a cosine, as in the config
    number: {
        'train_cfg.max_epochs': number,
        'train_cfg.val_interval': number,
        'param_scheduler.1.T_max': number - 3,
        'param_scheduler.1.end': number,
    }
    for number in (60, 120)
}
long, longer = lengths.values()
twice = ('Student alone', 'KD', 'FitNets', 'Hybrid assistant')
rows = [
    *(dict(row, options={**row['options'], **long}) for row in _base_.rows),
    *(
        dict(row, name=f'{row["name"]}, 120 epochs', options={**row['options'], **longer})
        for row in _base_.rows
        if row['name'] in twice
    ),
]
