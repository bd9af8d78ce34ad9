# The weight is that of the usual comparisons on CIFAR-100.
terms = dict(fitnets=dict(type='FitNets', source='vit', weight=100.0))
