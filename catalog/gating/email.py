"""Where questions about a launch reach its requester: a parameter of the template, or one that is added."""

from __future__ import annotations

from typing import Any

from catalog.gating.resources import section
from catalog.templates import Document
from portal.phrases import Phrase

MOST_PARAMETERS = 200
ADDED = "UserEmail"
# Names that say "your address" and nobody else's: not NotificationEmail, AlarmEmail, OperatorEmail, AdminEmail.
_OBVIOUS = (
    "useremail",
    "useremailaddress",
    "useremailid",
    "emailid",
    "emailaddress",
    "email",
    "requesteremail",
    "requestoremail",
    "requesteremailaddress",
    "requestoremailaddress",
    "owneremail",
    "owneremailaddress",
    "contactemail",
    "contactemailaddress",
    "youremail",
    "youremailaddress",
    "myemail",
    "launcheremail",
)
DEFINITION: dict[str, Any] = {
    "Type": "String",
    "Description": "Your e-mail address, where questions about this request reach you",
    "Default": "",
    "AllowedPattern": r"([^\s@]+@[^\s@]+\.[^\s@]+)?",
    "ConstraintDescription": "must be an e-mail address, or empty.",
    "MaxLength": 254,
}
# How YAML and CloudFormation say no.
_SHOWN = ("false", "no", "off")
LABEL = {"default": "Your e-mail address"}
GROUP = "Request"


def is_hidden(parameter: Any) -> bool:
    """Whether a parameter (as data) is NoEcho: CloudFormation then shows its value to nobody. In doubt it is."""
    return isinstance(parameter, dict) and str(parameter.get("NoEcho", False)).lower() not in _SHOWN


def parameters_of(doc: Document) -> dict[str, Any]:
    """The template's parameters as data."""
    found = section(doc, "Parameters")
    return {} if found is None else {name: doc.data(node) for name, node in found.entries() if name.isalnum()}


def named(doc: Document, name: str, parameters: dict[str, Any]) -> str:
    """The parameter somebody asked for. Raises BadTemplate."""
    where = doc.root.get("Parameters")
    if name not in parameters:
        what = Phrase("There is no parameter %(name)s for the e-mail address. Name another one or none.", name=name)
        raise doc.bad(where, what)
    node = where.get(name) if where else None
    if is_hidden(parameters[name]):
        what = Phrase("The parameter %(name)s is NoEcho: nobody could read the address. Name another one.", name=name)
        raise doc.bad(node, what)
    if not isinstance(parameters[name], dict) or parameters[name].get("Type") != "String":
        what = Phrase("The parameter %(name)s is no String. Name another one for the e-mail address.", name=name)
        raise doc.bad(node, what)
    return name


def obvious(parameters: dict[str, Any]) -> str:
    """The parameter that is the requester's address by its name; the empty string if there is none."""
    fit = {
        name.lower(): name
        for name, one in parameters.items()
        if isinstance(one, dict) and one.get("Type") == "String" and not is_hidden(one)
    }
    return next((fit[name] for name in _OBVIOUS if name in fit), "")


def free_name(wanted: str, taken: set[str]) -> str:
    """`wanted`, or with the first number from 2 that nothing has."""
    if wanted not in taken:
        return wanted
    number = 2
    while f"{wanted}{number}" in taken:
        number += 1
    return f"{wanted}{number}"
