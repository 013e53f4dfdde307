"""Who chooses: of K candidates that a model wrote, a curator keeps one."""
