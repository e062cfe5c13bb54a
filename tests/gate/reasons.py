"""Tables of exceptions: what is found without a reason, and the reasons that are needed no more.

What is found and its reason have the same ``place``, a tuple that says where it stands.
"""


def without_reason(found, reasons):
    """Return what is found and has no reason."""
    known = {reason.place for reason in reasons}
    return [one for one in found if one.place not in known]


def unused_reasons(found, reasons):
    """Return the reasons for what is no longer found."""
    needed = {one.place for one in found}
    return [reason for reason in reasons if reason.place not in needed]
