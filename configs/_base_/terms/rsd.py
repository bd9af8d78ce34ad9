# The weight is the authors'.
terms = dict(rsd=dict(type='RSD', source='vit', weight=0.1))
