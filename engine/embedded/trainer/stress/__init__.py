"""Held-out items outside the training ranges: longer, larger, or unseen combinations.

Nothing here is ever trained on. Where an item could also be drawn for training, only those on
the held-out side of the split are taken.
"""
