terms = dict(dist=dict(type='DIST', source='vit'))
