_base_ = '../rkd.py'

terms = dict(rkd=dict(teacher='teacher'))
