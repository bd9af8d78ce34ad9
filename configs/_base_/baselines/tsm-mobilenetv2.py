# The student alone, on the clips that it sees beside the teachers of its pair: SampleViews has the views of all.
_base_ = '../pairs/swin-t-tsm-r50_tsm-mobilenetv2.py'

model = dict(
    views=dict(_delete_=True, student=_base_.model.views.student),
    teachers=dict(_delete_=True),
    terms=dict(),
)
train_pipeline = [
    _base_.train_pipeline[0],
    dict(_base_.train_pipeline[1], views=_base_.model.views),
    *_base_.train_pipeline[2:],
]
