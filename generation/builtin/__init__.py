"""The built-in model: pictures drawn by code, and a tiny Stable Diffusion trained on them.

Nothing here imports Django, and torch is imported only where tensors are needed.
"""
