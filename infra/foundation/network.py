"""A private network for the functions: they are reached by nobody, and go out through NAT gateways and endpoints.

Other regions' queues and APIs, and Atlas where there is no private endpoint, lie outside: a way out is needed.
"""

from typing import Any, Final

from infra.foundation.sizes import FoundationSize
from infra.template.document import Json, given

PREFIX: Final = "VpcPrefix"
ATLAS_SERVICE: Final = "AtlasEndpointService"
VPC: Final = "Vpc"
FUNCTIONS_GROUP: Final = "FunctionsSecurityGroup"
CACHE_GROUP: Final = "CacheSecurityGroup"
HTTPS: Final = 443
REDIS: Final = 6379
SUBNET_BITS: Final = 20
"""Of a subnet's mask: 4,096 addresses. Environments share an interface for each subnet and security group."""
SUBNET_STEP: Final = 16
"""From one subnet's third number to the next one's."""
ATLAS_PORTS: Final = (27015, 27017)
"""Of Atlas reached through the internet."""
PRIVATE_LINK_PORTS: Final = (1024, 65535)
"""Of Atlas behind a private endpoint: it gives each node a port of its own
(https://www.mongodb.com/docs/atlas/security-private-endpoint/)."""
WITH_ATLAS_ENDPOINT: Final = "AtlasEndpointIsGiven"


def network_parameters(size: FoundationSize) -> dict[str, Json]:
    if not size.zones:
        return {}
    return {
        PREFIX: {
            "Type": "String",
            "Default": "10.20",
            "AllowedPattern": r"^10\.[0-9]{1,3}$",
            "Description": "First half of the network's 65,536 addresses. Another in each region that may be peered.",
        },
        ATLAS_SERVICE: {
            "Type": "String",
            "Default": "",
            "AllowedPattern": "^(com\\.amazonaws\\.vpce\\..+)?$",
            "Description": "Endpoint service of this region's Atlas cluster. Empty: Atlas is reached through the NAT.",
        },
    }


def network_conditions(size: FoundationSize) -> Json:
    if not size.zones:
        return {}
    return {WITH_ATLAS_ENDPOINT: given({"Ref": ATLAS_SERVICE})}


def network(size: FoundationSize) -> dict[str, Json]:
    """Resources by logical id; none where the tier has no network of its own."""
    if not size.zones:
        return {}
    return {
        VPC: {
            "Type": "AWS::EC2::VPC",
            "Properties": {
                "CidrBlock": {"Fn::Sub": f"${{{PREFIX}}}.0.0/16"},
                "EnableDnsSupport": True,
                "EnableDnsHostnames": True,
            },
        },
        "InternetGateway": {"Type": "AWS::EC2::InternetGateway"},
        "InternetAttachment": {
            "Type": "AWS::EC2::VPCGatewayAttachment",
            "Properties": {"VpcId": {"Ref": VPC}, "InternetGatewayId": {"Ref": "InternetGateway"}},
        },
        **_public(size),
        **_private(size),
        **_groups(),
        **_endpoints(size),
    }


def private_subnets(size: FoundationSize) -> list[Json]:
    """References to the functions' subnets."""
    return [{"Ref": f"PrivateSubnet{zone}"} for zone in range(size.zones)]


def _subnet(kind: str, zone: int, number: int) -> Json:
    return {
        "Type": "AWS::EC2::Subnet",
        "Properties": {
            "VpcId": {"Ref": VPC},
            "AvailabilityZone": {"Fn::Select": [zone, {"Fn::GetAZs": ""}]},
            "CidrBlock": {"Fn::Sub": f"${{{PREFIX}}}.{number * SUBNET_STEP}.0/{SUBNET_BITS}"},
            "MapPublicIpOnLaunch": False,
            "Tags": [{"Key": "Name", "Value": {"Fn::Sub": f"${{AWS::StackName}}-{kind}-{zone}"}}],
        },
    }


def _routes(name: str, zone: int, subnet: str, target: Json, *, after: str = "") -> dict[str, Json]:
    table = f"{name}Routes{zone}"
    route: Json = {
        "Type": "AWS::EC2::Route",
        "Properties": {"RouteTableId": {"Ref": table}, "DestinationCidrBlock": "0.0.0.0/0", **target},
    }
    if after:
        route["DependsOn"] = [after]
    return {
        table: {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": {"Ref": VPC}}},
        f"{name}WayOut{zone}": route,
        f"{name}Association{zone}": {
            "Type": "AWS::EC2::SubnetRouteTableAssociation",
            "Properties": {"RouteTableId": {"Ref": table}, "SubnetId": {"Ref": subnet}},
        },
    }


def _public(size: FoundationSize) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for zone in range(size.ways_out):
        subnet = f"PublicSubnet{zone}"
        found[subnet] = _subnet("public", zone, zone)
        gateway = {"GatewayId": {"Ref": "InternetGateway"}}
        found |= _routes("Public", zone, subnet, gateway, after="InternetAttachment")
        found[f"NatAddress{zone}"] = {
            "Type": "AWS::EC2::EIP",
            "DependsOn": ["InternetAttachment"],
            "Properties": {"Domain": "vpc"},
        }
        found[f"Nat{zone}"] = {
            "Type": "AWS::EC2::NatGateway",
            "Properties": {
                "AllocationId": {"Fn::GetAtt": [f"NatAddress{zone}", "AllocationId"]},
                "SubnetId": {"Ref": subnet},
            },
        }
    return found


def _private(size: FoundationSize) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for zone in range(size.zones):
        subnet = f"PrivateSubnet{zone}"
        found[subnet] = _subnet("private", zone, size.zones + zone)
        found |= _routes("Private", zone, subnet, {"NatGatewayId": {"Ref": f"Nat{zone % size.ways_out}"}})
    return found


def _groups() -> dict[str, Json]:
    def group(purpose: str, ingress: list[Json], egress: list[Json]) -> Json:
        return {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": {
                "GroupDescription": purpose,
                "VpcId": {"Ref": VPC},
                "SecurityGroupIngress": ingress,
                "SecurityGroupEgress": egress,
            },
        }

    def rule(ports: tuple[int, int], why: str, where: Json) -> Json:
        return {"IpProtocol": "tcp", "FromPort": ports[0], "ToPort": ports[1], "Description": why, **where}

    anywhere = {"CidrIp": "0.0.0.0/0"}
    functions = {"SourceSecurityGroupId": {"Fn::GetAtt": [FUNCTIONS_GROUP, "GroupId"]}}
    inside = {"CidrIp": {"Fn::GetAtt": [VPC, "CidrBlock"]}}
    # Without a rule of its own a group may send anywhere; one that answers only needs none.
    nowhere = [{"IpProtocol": "-1", "CidrIp": "127.0.0.1/32", "Description": "Nothing is sent from here"}]
    return {
        FUNCTIONS_GROUP: group(
            "Functions of the arena",
            [],
            [
                rule((HTTPS, HTTPS), "AWS, and other regions' APIs and queues", anywhere),
                rule(ATLAS_PORTS, "Atlas through the internet", anywhere),
                rule((REDIS, REDIS), "The cache", inside),
                rule(PRIVATE_LINK_PORTS, "Atlas behind its private endpoint", inside),
            ],
        ),
        CACHE_GROUP: group("The cache", [rule((REDIS, REDIS), "The functions", functions)], nowhere),
        "EndpointsSecurityGroup": group(
            "Endpoints of AWS services", [rule((HTTPS, HTTPS), "The functions", functions)], nowhere
        ),
        "AtlasSecurityGroup": group(
            "The private endpoint of Atlas", [rule(PRIVATE_LINK_PORTS, "The functions", functions)], nowhere
        ),
    }


def _endpoints(size: FoundationSize) -> dict[str, Json]:
    def interface(service: Any, group: str, *, named: bool) -> Json:
        return {
            "Type": "AWS::EC2::VPCEndpoint",
            "Properties": {
                "VpcEndpointType": "Interface",
                "ServiceName": service,
                "VpcId": {"Ref": VPC},
                "SubnetIds": private_subnets(size),
                "SecurityGroupIds": [{"Fn::GetAtt": [group, "GroupId"]}],
                "PrivateDnsEnabled": named,
            },
        }

    found: dict[str, Json] = {
        "StorageEndpoint": {
            "Type": "AWS::EC2::VPCEndpoint",
            "Properties": {
                "VpcEndpointType": "Gateway",
                "ServiceName": {"Fn::Sub": "com.amazonaws.${AWS::Region}.s3"},
                "VpcId": {"Ref": VPC},
                "RouteTableIds": [{"Ref": f"PrivateRoutes{zone}"} for zone in range(size.zones)],
            },
        },
        # Atlas's own names resolve to it: it publishes them itself.
        "AtlasEndpoint": {
            **interface({"Ref": ATLAS_SERVICE}, "AtlasSecurityGroup", named=False),
            "Condition": WITH_ATLAS_ENDPOINT,
        },
    }
    for service in size.interface_endpoints:
        name = {"Fn::Sub": f"com.amazonaws.${{AWS::Region}}.{service}"}
        found[f"{service.title().replace('-', '')}Endpoint"] = interface(name, "EndpointsSecurityGroup", named=True)
    return found
