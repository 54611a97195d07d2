"""Headers of Anthropic's API that tell a login about its account's quota windows."""

import time

UNIFIED = "anthropic-ratelimit-unified-"
SHORT_NAMES = {"five_hour": "5h", "seven_day": "7d"}
# Seconds until each window resets, from the moment at which this module is imported.
HOURS_S, DAYS_S = 18_000, 259_200
STARTED = int(time.time())
RESETS_AT = {"five_hour": STARTED + HOURS_S, "seven_day": STARTED + DAYS_S}


def quota_headers(
    status: str, claim: str = "five_hour", *, five_hour: float, seven_day: float = 0.13
) -> dict[str, str]:
    """Returns the headers of a response; windows are rejected from a use of 1 on."""
    headers = {
        "status": status,
        "representative-claim": claim,
        "reset": str(RESETS_AT[claim]),
    }
    for name, used in (("five_hour", five_hour), ("seven_day", seven_day)):
        short = SHORT_NAMES[name]
        headers[f"{short}-utilization"] = str(used)
        headers[f"{short}-reset"] = str(RESETS_AT[name])
        headers[f"{short}-status"] = "rejected" if used >= 1 else "allowed"
    return {f"{UNIFIED}{name}": value for name, value in headers.items()}
