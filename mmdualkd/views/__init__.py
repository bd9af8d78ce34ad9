"""One decoded clip, many views: which frames are decoded, and what each model sees of them."""

from .clip_views import ClipViews, first_alike, tell_colours
from .plan import ViewPlan
from .sample_views import SampleViews
from .view import View

__all__ = ['ClipViews', 'SampleViews', 'View', 'ViewPlan', 'first_alike', 'tell_colours']
