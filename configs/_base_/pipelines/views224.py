# How SampleViews stands in the pipelines of 224-pixel recipes; which views it samples stands in the model.
_base_ = 'crop224.py'

train_pipeline = [
    dict(type='mmdualkd.DecordInit', short_side=256),
    dict(type='mmdualkd.SampleViews'),
    *_base_.train_augment,
    *_base_.pack,
]
# for tools/check_teachers.py: what all models see of a validation video
teacher_val_pipeline = [
    dict(type='DecordInit'),
    dict(type='mmdualkd.SampleViews', test_mode=True),
    *_base_.val_crop224,
    *_base_.pack,
]
