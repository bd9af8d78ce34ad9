_base_ = '../mlld.py'

terms = dict(mlld=dict(source='teacher'))
