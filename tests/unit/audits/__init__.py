"""Audits of labels: answers as rows, shortcuts, copies, findings."""
