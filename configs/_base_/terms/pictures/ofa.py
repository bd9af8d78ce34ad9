_base_ = '../ofa.py'

terms = dict(ofa=dict(source='teacher'), exits=dict(source='teacher'))
