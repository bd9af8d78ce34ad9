# ImageNet-1K recipe published for CNN students: SGD 0.1 at 512 pictures, a tenth of it every 30 epochs.
train_cfg = dict(by_epoch=True, max_epochs=100, val_interval=1)
val_cfg = dict()
test_cfg = dict()

param_scheduler = dict(type='StepLR', step_size=30, gamma=0.1, by_epoch=True)
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=1e-4))
auto_scale_lr = dict(enable=False, base_batch_size=512)
