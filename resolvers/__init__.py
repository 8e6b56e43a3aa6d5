"""Operations. Knows the caller, never the protocol: no `info`, no request, no SQL."""
