# The weight is that of the usual comparisons on CIFAR-100.
terms = dict(at=dict(type='AT', source='vit', weight=1000.0))
