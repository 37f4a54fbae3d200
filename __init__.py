"""knowshift: did this fine-tune inject knowledge, or did it only shift the domain?"""
