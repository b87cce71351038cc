"""Whether an instance makes backups of its own, and keeps the log that a restore to a point in time needs."""

from shared.values import value


@value
class InstanceBackups:
    """As the instance is set now. log_days: how far back the log reaches."""

    enabled: bool
    point_in_time: bool
    log_days: int

    def shortcomings(self, log_days_min: int) -> tuple[str, ...]:
        """What is missing, in words; none when a restore to any second of so many days is possible."""
        if not self.enabled:
            return ("its automated backups are switched off",)
        if not self.point_in_time:
            return ("it keeps no log, so that nothing can be restored to a point in time",)
        if self.log_days < log_days_min:
            return (f"its log reaches {self.log_days} days back, and {log_days_min} were configured",)
        return ()
