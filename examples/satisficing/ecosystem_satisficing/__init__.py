"""A curator, a rule of feedback and a network, as an example of plug-ins."""
