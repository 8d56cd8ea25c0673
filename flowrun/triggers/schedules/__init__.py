"""When schedules fire: cron expressions, intervals and lists of times, and what becomes of times that come due."""
