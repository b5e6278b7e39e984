"""Whether the server is up, for whatever watches it."""

from fastapi import APIRouter

router = APIRouter()


@router.get("/healthz", include_in_schema=False)
async def healthz() -> dict[str, str]:
    """Return that the server is up. It does not ask the store: a restart would not mend that."""
    return {"status": "up"}
