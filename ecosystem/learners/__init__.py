"""How models learn: one kind of learner serves all models of a scenario."""
