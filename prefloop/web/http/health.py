"""The health check."""

from fastapi import APIRouter

router = APIRouter()


@router.get("/healthz", include_in_schema=False)
async def healthz() -> dict[str, str]:
    """Return that the server is up, without a query: a restart would not repair the database."""
    return {"status": "up"}
