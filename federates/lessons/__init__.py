"""The lessons: notebooks for learners, and exercises that check themselves.

In a notebook::

    from federates.lessons import check, hint

    check(1.2, my_answer)  # one sentence: right, or what is wrong, without the answer
    hint(1.2)  # the first hint; hint(1.2, 2) is the second

How to write a lesson is in docs/instructors/writing_lessons.md.
"""

from federates.lessons.kit import check, hint

__all__ = ["check", "hint"]
