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


def keep_logs(provider, last):
    """Find logs up to a block in a copy from now on, and return what undoes that: an embedded chain takes seconds."""
    manager = provider.web3.manager
    request = manager.request_blocking
    kept = provider.web3.eth.get_logs({"fromBlock": 0, "toBlock": last})

    def find(question):
        topics = [[it] if isinstance(it, str) else it for it in question.get("topics", [])]

        def is_wanted(log):
            said = [f"0x{bytes(topic).hex()}" for topic in log["topics"]]
            return log["address"] in question["address"] and all(
                wanted is None or (said[at : at + 1] and said[at] in wanted) for at, wanted in enumerate(topics)
            )

        blocks = range(number(question["fromBlock"]), number(question["toBlock"]) + 1)
        return [log for log in kept if log["blockNumber"] in blocks and is_wanted(log)]

    def request_blocking(method, given, *others):
        is_kept = method == "eth_getLogs" and number(given[0]["toBlock"]) <= last
        return find(given[0]) if is_kept else request(method, given, *others)

    manager.request_blocking = request_blocking
    return lambda: setattr(manager, "request_blocking", request)
