_base_ = '../../hybrid/pictures/hybrid_swin-w24_cnn-w8_1xb32-20e_pictures-32.py'

model = dict(type='mmdualkd.Distiller', terms=dict(ofa=dict(type='OFA', source='teacher')))
