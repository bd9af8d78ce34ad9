# Distances and angles with the authors' weights, 25 and 50.
terms = dict(rkd=dict(type='RKD', teacher='vit', distance=1.0, angle=2.0, weight=25.0))
