"""From a folder of videos or pictures to a small model: the stages of ``mmdualkd distill``."""
