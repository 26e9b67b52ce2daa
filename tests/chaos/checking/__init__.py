"""The judge of chaos trials: reads one evidence folder and says what in it breaks a promise.

Written from the documents alone. It imports nothing of Lumen, so that no error of Lumen's can hide in it.
"""
