from datetime import timedelta
from typing import Optional, Union

Duration = Union[timedelta, int, float]

class Preset(float): ...

def as_seconds(duration: Duration) -> float: ...
def as_timedelta(duration: Duration) -> timedelta: ...
def given_seconds(duration: Duration, taker: str) -> float: ...
def one_of(
    taker: str,
    older: str,
    old: Optional[Duration],
    newer: str,
    new: Optional[Duration],
    preset: Optional[Duration] = None,
) -> Optional[Duration]: ...
