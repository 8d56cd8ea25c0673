"""Where everything meets: the concrete classes behind the ports, started and stopped in order."""

from flowrun.bootstrap.runtime import Runtime, running
from flowrun.bootstrap.service import ServiceInfo, run_service

__all__ = ["Runtime", "ServiceInfo", "run_service", "running"]
