"""The database itself: tables, rows, ledger, transactions."""
