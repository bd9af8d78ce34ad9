"""One decoded clip, many views: which frames are decoded, and what each model sees of them."""

from .plan import ViewPlan
from .sample_views import SampleViews
from .view import View

__all__ = ['SampleViews', 'View', 'ViewPlan']
