"""What the owner does with people: invite, disable, publish instructions, gold, rules.

`app.py` lets only owners in. Pages carry `include_in_schema=False`.
"""

from fastapi import APIRouter

router = APIRouter()
