_base_ = '../fitnets.py'

terms = dict(fitnets=dict(source='teacher'))
