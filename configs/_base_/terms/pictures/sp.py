_base_ = '../sp.py'

terms = dict(sp=dict(source='teacher'))
