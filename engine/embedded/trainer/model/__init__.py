"""The DeepSeek-V3 architecture in a form that trains fast at a small size.

Equal tensors of all layers, and of all experts, are stacked into one parameter each.
"""
