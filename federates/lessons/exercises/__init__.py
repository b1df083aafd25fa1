"""The exercises of the lessons, a module a lesson: ``lesson_NN``."""
