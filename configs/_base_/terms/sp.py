# The weight is that of the usual comparisons on CIFAR-100.
terms = dict(sp=dict(type='SP', source='vit', weight=3000.0))
