_base_ = 'mmpretrain::_base_/default_runtime.py'

custom_imports = dict(imports=['mmdualkd'], allow_failed_imports=False)
custom_hooks = [
    dict(type='mmdualkd.PreflightHook'),
    dict(type='mmdualkd.StudentCheckpointHook'),
    dict(type='mmdualkd.CorruptVideoHook'),  # counts and names broken pictures as well
    dict(type='mmdualkd.EpochSeedHook'),
    dict(type='mmdualkd.CheckFiniteHook'),
]
default_hooks = dict(
    checkpoint=dict(save_best='auto', max_keep_ckpts=3),
    sync_buffers=dict(type='SyncBuffersHook'),  # processes validate, and the first saves, one model
)
# accuracies on the batch are averaged over the last ones, as losses are
log_processor = dict(mean_pattern=r'.*(loss|time|data_time|grad_norm|batch_acc/|top\d_acc|accuracy_top-).*')
env_cfg = dict(cudnn_benchmark=True)  # shapes do not change; --deterministic turns it off
