"""What owners and viewers see while a run is alive.

`app.py` lets owners and viewers in; what changes something belongs in `team.py`.
"""

from fastapi import APIRouter

router = APIRouter()
