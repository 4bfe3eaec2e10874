"""The certificate of the API's own names in this region: API Gateway wants one in each."""

from typing import Final

from infra.template.document import Json, given

CERTIFICATE: Final = "Certificate"
DOMAIN: Final = "DomainName"
ZONE: Final = "HostedZoneId"
DOMAIN_IS_GIVEN: Final = "DomainIsGiven"


def certificate_parameters() -> dict[str, Json]:
    return {
        DOMAIN: {
            "Type": "String",
            "Default": "",
            "AllowedPattern": "^([a-z0-9-]+[.])*[a-z]*$",
            "Description": "Domain of the arena, e.g. arena.example.org: the API is at api., WebSockets at ws. of it.",
        },
        ZONE: {
            "Type": "String",
            "Default": "",
            "AllowedPattern": "^[A-Z0-9]*$",
            "Description": "Hosted zone of the domain; the certificate is validated by a record in it.",
        },
    }


def certificate_conditions() -> Json:
    return {DOMAIN_IS_GIVEN: given({"Ref": DOMAIN})}


def certificate() -> dict[str, Json]:
    """Resources by logical id."""
    names = {"Fn::Sub": f"*.${{{DOMAIN}}}"}
    return {
        CERTIFICATE: {
            "Type": "AWS::CertificateManager::Certificate",
            "Condition": DOMAIN_IS_GIVEN,
            "Properties": {
                "DomainName": names,
                "ValidationMethod": "DNS",
                "DomainValidationOptions": [{"DomainName": names, "HostedZoneId": {"Ref": ZONE}}],
            },
        }
    }
