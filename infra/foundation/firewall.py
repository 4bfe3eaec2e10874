"""AWS WAF before the region's API: the guide's limits per client address, and what is known to be bad.

The arena's own limits are exact and say how much is left (docs/limits.md); these stand before the functions and cost no
environment. They count in minutes and late, so they admit more: nobody the arena admits is refused here.
"""

from typing import Any, Final

from chalicelib.arena.rate_limits import API, BATTLE, Limit
from infra.foundation.keys import log_group
from infra.foundation.sizes import FoundationSize
from infra.template.document import Json

ACL: Final = "Firewall"
WINDOW_SECONDS: Final = 60
"""WAF's shortest."""
REFUSAL: Final = "Limited"
BODY: Final = '{"ok":false,"error":{"code":"rate_limited","message":"too many requests"},"requestId":""}'
"""The game's envelope; WAF knows no request ids."""
BATTLE_PATH: Final = "/api/battle/"
LOG_GROUP_PREFIX: Final = "aws-waf-logs-"
"""WAF writes to groups of this prefix only."""


def most_in_window(limit: Limit) -> int:
    """Requests of one address that ``limit`` admits in ``WINDOW_SECONDS`` at most."""
    return limit.rate * WINDOW_SECONDS // limit.period_seconds + limit.quota


def access_list(scope: str) -> Json:
    """The rules, for APIs of a region (``REGIONAL``) or for CloudFront (``CLOUDFRONT``)."""
    battle = {
        "ByteMatchStatement": {
            "FieldToMatch": {"UriPath": {}},
            # Wherever the API is mapped to, its stage stands before it.
            "PositionalConstraint": "CONTAINS",
            "SearchString": BATTLE_PATH,
            "TextTransformations": [{"Priority": 0, "Type": "URL_DECODE"}],
        }
    }
    rules = [
        _rate("BattlesOfAnAddress", BATTLE, battle),
        _rate("RequestsOfAnAddress", API, None),
        _managed("AWSManagedRulesAmazonIpReputationList"),
        _managed("AWSManagedRulesKnownBadInputsRuleSet"),
        # Its limit of 8 kB is below what an operator or another region may send; the arena has one of its own.
        _managed("AWSManagedRulesCommonRuleSet", counted=("SizeRestrictions_BODY",)),
    ]
    return {
        "Type": "AWS::WAFv2::WebACL",
        "Properties": {
            "Scope": scope,
            "DefaultAction": {"Allow": {}},
            "CustomResponseBodies": {REFUSAL: {"ContentType": "APPLICATION_JSON", "Content": BODY}},
            "Rules": [{**rule, "Priority": priority} for priority, rule in enumerate(rules)],
            "VisibilityConfig": _seen("Firewall"),
        },
    }


def firewall(size: FoundationSize) -> dict[str, Json]:
    """Resources by logical id."""
    return {
        ACL: access_list("REGIONAL"),
        "FirewallLogs": log_group(size.log_days, name={"Fn::Sub": f"{LOG_GROUP_PREFIX}${{AWS::StackName}}"}),
        "FirewallLogging": {
            "Type": "AWS::WAFv2::LoggingConfiguration",
            "Properties": {
                "ResourceArn": {"Fn::GetAtt": [ACL, "Arn"]},
                # The group's ARN without the ":*" that its attribute ends with.
                "LogDestinationConfigs": [
                    {"Fn::Sub": "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${FirewallLogs}"}
                ],
                "LoggingFilter": {
                    "DefaultBehavior": "DROP",
                    "Filters": [
                        {
                            "Behavior": "KEEP",
                            "Requirement": "MEETS_ANY",
                            "Conditions": [{"ActionCondition": {"Action": action}} for action in ("BLOCK", "COUNT")],
                        }
                    ],
                },
                # Who signs in, as whom, is nobody's business who reads logs.
                "RedactedFields": [
                    {"SingleHeader": {"Name": name}}
                    for name in ("authorization", "x-admin-token", "x-telegram-init-data")
                ],
            },
        },
    }


def _rate(name: str, limit: Limit, scope: Json | None) -> Json:
    statement: dict[str, Any] = {
        "AggregateKeyType": "IP",
        "EvaluationWindowSec": WINDOW_SECONDS,
        "Limit": most_in_window(limit),
    }
    if scope is not None:
        statement["ScopeDownStatement"] = scope
    refusal = {
        "ResponseCode": 429,
        "CustomResponseBodyKey": REFUSAL,
        "ResponseHeaders": [{"Name": "Retry-After", "Value": str(WINDOW_SECONDS)}],
    }
    return {
        "Name": name,
        "Action": {"Block": {"CustomResponse": refusal}},
        "Statement": {"RateBasedStatement": statement},
        "VisibilityConfig": _seen(name),
    }


def _managed(name: str, counted: tuple[str, ...] = ()) -> Json:
    group: dict[str, Any] = {"VendorName": "AWS", "Name": name}
    if counted:
        group["RuleActionOverrides"] = [{"Name": rule, "ActionToUse": {"Count": {}}} for rule in counted]
    return {
        "Name": name,
        "OverrideAction": {"None": {}},
        "Statement": {"ManagedRuleGroupStatement": group},
        "VisibilityConfig": _seen(name),
    }


def _seen(name: str) -> Json:
    return {"CloudWatchMetricsEnabled": True, "MetricName": name, "SampledRequestsEnabled": False}
