"""What a text is about, told by TF-IDF and multinomial naive Bayes that have read real text only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecosystem.errors import EcosystemError, did_you_mean
from ecosystem.outputs.text.corpus import Corpus
from ecosystem.outputs.text.extra import needed
from ecosystem.outputs.text.judges import Judge, Said, Values
from ecosystem.scenario.fields.text_judges import TopicJudge


@dataclass(frozen=True)
class Rates:
    """How a classifier did on real text that it had not read.

    Attributes
    ----------
    accuracy : float
        The share of all that it told right.
    true_positive, false_positive : float
        The share of what is of a kind, and of what is not, that it took for that kind.
    """

    accuracy: float
    true_positive: float
    false_positive: float

    def corrected(self, told: Values) -> Values:
        """Return (x − f)/(t − f): its mean is unbiased (Rogan & Gladen 1978).

        Examples
        --------
        >>> Rates(0.85, true_positive=0.9, false_positive=0.2).corrected(np.array([0.2, 0.9]))
        array([0., 1.])
        """
        return (told - self.false_positive) / (self.true_positive - self.false_positive)


class Topics:
    """A classifier of topics.

    Parameters
    ----------
    corpus : Corpus
        Its `judged` texts are what the classifier learns, its `unseen` ones what it is tried on.

    Raises
    ------
    EcosystemError
        There are not two topics to tell apart.
    """

    def __init__(self, corpus: Corpus) -> None:
        bayes = needed("the judge topic", "sklearn.naive_bayes")
        text = needed("the judge topic", "sklearn.feature_extraction.text")
        pipeline = needed("the judge topic", "sklearn.pipeline")
        labels = [label for label, _ in corpus.judged]
        self.topics = tuple(sorted(set(labels)))
        if len(self.topics) < 2:
            raise EcosystemError(
                f"the judge topic: real text must have two topics or more (it has {', '.join(map(repr, self.topics))})"
                "; name the field that holds them under outputs.corpus.label"
            )
        vectors = text.TfidfVectorizer(sublinear_tf=True)
        self._classifier: Any = pipeline.make_pipeline(vectors, bayes.MultinomialNB(alpha=0.1))
        self._classifier.fit([text for _, text in corpus.judged], labels)
        self._unseen = np.array([label for label, _ in corpus.unseen])
        self._told = self.told([text for _, text in corpus.unseen])

    def told(self, texts: list[str]) -> NDArray[np.str_]:
        """Return the topic that each text is taken for."""
        return np.asarray(self._classifier.predict(texts))

    def accuracy(self) -> float:
        """Return the share of texts that it had not read that it told right."""
        return float((self._told == self._unseen).mean())

    def rates(self, labels: tuple[str, ...]) -> Rates:
        """Return how well it tells some topics from the others."""
        of, taken = np.isin(self._unseen, labels), np.isin(self._told, labels)
        return Rates(float((of == taken).mean()), float(taken[of].mean()), float(taken[~of].mean()))


def topic(written: TopicJudge, corpus: Corpus) -> Judge:
    """Return the judge of a topic: 1 where a text is of it, corrected for how often the judge errs.

    Raises
    ------
    EcosystemError
        There is no such topic, prompts ask for none and none is named, or the judge cannot tell it.
    """
    topics = Topics(corpus)
    for label in written.labels or ():
        if label not in topics.topics:
            raise EcosystemError(f"the judge topic: there is no topic {label!r}{did_you_mean(label, topics.topics)}")
    if not written.labels and any(pair.label not in topics.topics for pair in corpus.pairs):
        raise EcosystemError(
            "the judge topic: prompts do not say which topic they ask for; name those that count: "
            f"labels: [{topics.topics[0]}]"
        )
    wanted = [written.labels] if written.labels else [(each,) for each in topics.topics]
    rates = {labels: topics.rates(labels) for labels in wanted}
    for labels, rate in rates.items():
        if written.correct and not rate.true_positive > rate.false_positive + 0.1:
            raise EcosystemError(
                f"the judge topic cannot tell {', '.join(labels)}: it finds {rate.true_positive:.2f} of it, and "
                f"{rate.false_positive:.2f} of the rest"
            )

    def judge(said: Said) -> Values:
        told = topics.told(list(said.answers))
        values = np.zeros(len(told))  # what announces no topic is of none
        asked = np.array([pair.label for pair in said.pairs])
        for labels, rate in rates.items():
            rows = np.ones(len(told), bool) if written.labels else asked == labels[0]
            found = np.isin(told[rows], labels).astype(float)
            values[rows] = rate.corrected(found) if written.correct else found
        return values

    return judge
