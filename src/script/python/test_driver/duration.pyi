from datetime import timedelta
from typing import Union

Duration = Union[timedelta, int, float]

def as_seconds(duration: Duration) -> float: ...
def as_timedelta(duration: Duration) -> timedelta: ...
