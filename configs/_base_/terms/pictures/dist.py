_base_ = '../dist.py'

terms = dict(dist=dict(source='teacher'))
