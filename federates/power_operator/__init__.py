"""The power operator's federate (RPDO): feeders, charging stations, energy balance."""
