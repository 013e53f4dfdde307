"""Growth by word of mouth, up to a number of users that there can be."""

from ecosystem.plugins import FeedbackRule, Positive


class WordOfMouth(FeedbackRule, name="word_of_mouth"):
    """Logistic growth: a · (1 + rate · satisfaction · (1 − Σa / capacity)), never below 0."""

    rate: Positive = 0.1
    """How many users a satisfied user brings in a round, while there is room for all."""
    capacity: Positive
    """How many users there can be, of all groups together."""

    def respond(self, activity, served, group):
        room = 1 - activity.sum(-1, keepdim=True) / self.capacity
        return (activity * (1 + self.rate * served.satisfaction * room)).clamp_min(0)
