"""CloudFront: static files from a private bucket, console and API reference from the nearest region.

When no region is well, it is also what ``api.`` leads to: then the bucket's ``away.json`` answers, with status 503.
"""

from typing import Any, Final

from infra.foundation.firewall import ACL, access_list
from infra.private_bucket import NOT_PUBLIC, only_encrypted_connections
from infra.template.document import Json
from infra.world.names import DOMAIN, ZONE

BUCKET: Final = "StaticBucket"
DISTRIBUTION: Final = "Distribution"
CERTIFICATE: Final = "Certificate"
STATIC_SECONDS: Final = 31_536_000
"""The guide's year for static files: their names change with their contents."""
FROM_REGION: Final = ("/console", "/console/*", "/docs", "/docs/*", "/openapi.json", "/api/*", "/health*")
AWAY: Final = "/away.json"
# CloudFront's own policies (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html).
_CACHING_DISABLED: Final = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
_CACHING_OPTIMIZED: Final = "658327ea-f89d-4fab-a63d-7e88639e58f6"
_ALL_BUT_HOST: Final = "b689b0a8-53d0-40ab-baf2-68738e2966ac"


def edge() -> dict[str, Json]:
    """Resources by logical id."""
    return {
        CERTIFICATE: {
            "Type": "AWS::CertificateManager::Certificate",
            "Properties": {
                "DomainName": {"Fn::Sub": f"www.${{{DOMAIN}}}"},
                "SubjectAlternativeNames": [{"Fn::Sub": f"api.${{{DOMAIN}}}"}],
                "ValidationMethod": "DNS",
                "DomainValidationOptions": [
                    {"DomainName": {"Fn::Sub": f"{label}.${{{DOMAIN}}}"}, "HostedZoneId": {"Ref": ZONE}}
                    for label in ("www", "api")
                ],
            },
        },
        ACL: access_list("CLOUDFRONT"),
        **_static(),
        **_headers(),
        DISTRIBUTION: {
            "Type": "AWS::CloudFront::Distribution",
            "Properties": {"DistributionConfig": _distribution()},
        },
    }


def _static() -> dict[str, Json]:
    readers = {"StringEquals": {"AWS:SourceArn": {"Fn::Sub": _DISTRIBUTION_ARN}}}
    return {
        BUCKET: {
            "Type": "AWS::S3::Bucket",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
                },
                "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
                "PublicAccessBlockConfiguration": NOT_PUBLIC,
                "VersioningConfiguration": {"Status": "Enabled"},
            },
        },
        "StaticBucketPolicy": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {
                "Bucket": {"Ref": BUCKET},
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Sid": "ThisDistribution",
                            "Effect": "Allow",
                            "Principal": {"Service": "cloudfront.amazonaws.com"},
                            "Action": "s3:GetObject",
                            "Resource": {"Fn::Sub": f"${{{BUCKET}.Arn}}/*"},
                            "Condition": readers,
                        },
                        only_encrypted_connections(BUCKET),
                    ],
                },
            },
        },
        "StaticAccess": {
            "Type": "AWS::CloudFront::OriginAccessControl",
            "Properties": {
                "OriginAccessControlConfig": {
                    "Name": {"Fn::Sub": "${AWS::StackName}-static"},
                    "OriginAccessControlOriginType": "s3",
                    "SigningBehavior": "always",
                    "SigningProtocol": "sigv4",
                }
            },
        },
    }


_DISTRIBUTION_ARN: Final = f"arn:${{AWS::Partition}}:cloudfront::${{AWS::AccountId}}:distribution/${{{DISTRIBUTION}}}"


def _headers() -> dict[str, Json]:
    """The guide's security headers; the arena sets its own content security policy where it serves a page."""
    return {
        "SecurityHeaders": {
            "Type": "AWS::CloudFront::ResponseHeadersPolicy",
            "Properties": {
                "ResponseHeadersPolicyConfig": {
                    "Name": {"Fn::Sub": "${AWS::StackName}-security"},
                    "SecurityHeadersConfig": {
                        "ContentTypeOptions": {"Override": True},
                        "FrameOptions": {"FrameOption": "DENY", "Override": True},
                        "ReferrerPolicy": {"ReferrerPolicy": "no-referrer", "Override": False},
                        "StrictTransportSecurity": {
                            "AccessControlMaxAgeSec": STATIC_SECONDS,
                            "IncludeSubdomains": True,
                            "Override": True,
                        },
                    },
                }
            },
        }
    }


def _distribution() -> Json:
    shared: dict[str, Any] = {
        "ViewerProtocolPolicy": "redirect-to-https",
        "Compress": True,
        "ResponseHeadersPolicyId": {"Ref": "SecurityHeaders"},
    }
    every_method = ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"]
    api = {
        **shared,
        "TargetOriginId": "regions",
        "AllowedMethods": every_method,
        "CachePolicyId": _CACHING_DISABLED,
        "OriginRequestPolicyId": _ALL_BUT_HOST,
    }
    return {
        "Enabled": True,
        "WebACLId": {"Fn::GetAtt": [ACL, "Arn"]},
        "Comment": {"Fn::Sub": "${AWS::StackName}"},
        "Aliases": [{"Fn::Sub": f"{label}.${{{DOMAIN}}}"} for label in ("www", "api")],
        "HttpVersion": "http2and3",
        "IPV6Enabled": True,
        "DefaultRootObject": "index.html",
        "ViewerCertificate": {
            "AcmCertificateArn": {"Ref": CERTIFICATE},
            "MinimumProtocolVersion": "TLSv1.2_2021",
            "SslSupportMethod": "sni-only",
        },
        "Origins": [
            {
                "Id": "static",
                "DomainName": {"Fn::GetAtt": [BUCKET, "RegionalDomainName"]},
                "OriginAccessControlId": {"Ref": "StaticAccess"},
                "S3OriginConfig": {"OriginAccessIdentity": ""},
            },
            {
                "Id": "regions",
                "DomainName": {"Fn::Sub": f"nearest.${{{DOMAIN}}}"},
                "CustomOriginConfig": {"OriginProtocolPolicy": "https-only", "OriginSSLProtocols": ["TLSv1.2"]},
            },
        ],
        "DefaultCacheBehavior": {**shared, "TargetOriginId": "static", "CachePolicyId": _CACHING_OPTIMIZED},
        "CacheBehaviors": [{**api, "PathPattern": pattern} for pattern in FROM_REGION],
        "CustomErrorResponses": [
            {"ErrorCode": code, "ErrorCachingMinTTL": 5, "ResponseCode": 503, "ResponsePagePath": AWAY}
            for code in (502, 504)
        ],
    }
