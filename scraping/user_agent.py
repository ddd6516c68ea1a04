"""How the crawler introduces itself. Pure."""


def with_contact(agent: str, contact: str) -> str:
    """The User-Agent with a way to reach whoever runs this: "Imagineer/0.1 (…; +contact)".

    contact: a web address or an e-mail address; empty for none. Raises ValueError for one that does
    not fit into the header.
    """
    if not contact:
        return agent
    if not (contact.isascii() and contact.isprintable()) or set(contact) & set("()<>; "):
        raise ValueError("write a web address or an e-mail address")
    if agent.endswith(")"):
        return f"{agent[:-1]}; +{contact})"
    return f"{agent} (+{contact})"


def name_of(agent: str) -> str:
    """The word that robots.txt and X-Robots-Tag call us by."""
    return agent.partition("/")[0].strip()
