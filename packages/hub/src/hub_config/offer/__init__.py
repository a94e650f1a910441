"""What a person can choose from: profiles of images (`profiles`, `images`, `pulls`), whether there
is room (`room`) and a free GPU (`stock`), whose turn it is (`turns`), the cards of the form
(`cards`), and where all of it is judged at once (`counter`).
"""
