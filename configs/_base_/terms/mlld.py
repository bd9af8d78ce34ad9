terms = dict(mlld=dict(type='MLLD', source='vit'))
