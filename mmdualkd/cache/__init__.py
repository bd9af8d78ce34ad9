"""Teachers' outputs, computed once and kept in files: for each draw of each sample, what the loss terms read."""

from .store import TeacherCache

__all__ = ['TeacherCache']
