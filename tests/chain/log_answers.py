"""Answers for logs that are not the node's."""

from mlchain.chain.questions import number


def answer_logs(monkeypatch, provider, answer):
    """Let `answer(length, ask)` answer whoever asks for the logs of `length` blocks; `ask()` is what the node says."""
    manager = provider.web3.manager
    request = manager.request_blocking

    def request_blocking(method, parameters, *others):
        if method != "eth_getLogs":
            return request(method, parameters, *others)
        (question,) = parameters
        length = number(question["toBlock"]) - number(question["fromBlock"]) + 1
        return answer(length, lambda: request(method, parameters, *others))

    monkeypatch.setattr(manager, "request_blocking", request_blocking)
