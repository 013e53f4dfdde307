"""A page on which a run is looked into, or an ecosystem tried: network, models and users, round by round."""
