"""How an address is asked over HTTP."""

from ipaddress import ip_address
from urllib.parse import urlsplit

import requests


def session_for(address: str) -> requests.Session:
    """Return a session that asks an address of this machine itself, whatever proxy the environment names for others."""
    session = requests.Session()
    session.trust_env = not is_loopback(urlsplit(address).hostname or "")
    return session


def is_loopback(host: str) -> bool:
    """Return whether a host's name or address stands for this machine."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
