# The same pairs with a cache in float32, written in batches of the same size, which leaves nothing to differ. In six
# epochs three views come twice each. What comes first stands in cache.py.
_base_ = 'cache.py'
title = 'Teachers run in every step and read from a cache (float32), the same three views of each clip, 6 epochs.'
views = 3
cache_dtype = 'float32'
against = 'Full method, teachers run'
splits = {
    'GRID words': dict(
        options={
            'train_cfg.max_epochs': 6,
            'param_scheduler.1.T_max': 4,
            'param_scheduler.1.end': 6,
            'train_cfg.val_interval': 6,
        }
    )
}
