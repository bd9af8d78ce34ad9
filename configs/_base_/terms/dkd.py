terms = dict(dkd=dict(type='DKD', source='vit'))
