"""Resource types by the service they belong to, in the names people know."""

from __future__ import annotations

_NAMES = {
    "ApiGateway": "API Gateway",
    "ApiGatewayV2": "API Gateway",
    "ApplicationAutoScaling": "Auto Scaling",
    "AutoScaling": "Auto Scaling",
    "CertificateManager": "Certificate Manager",
    "CloudFormation": "CloudFormation",
    "CodeBuild": "CodeBuild",
    "DocDB": "DocumentDB",
    "ElastiCache": "ElastiCache",
    "ElasticLoadBalancing": "Load Balancing",
    "ElasticLoadBalancingV2": "Load Balancing",
    "Elasticsearch": "OpenSearch",
    "Events": "EventBridge",
    "KinesisFirehose": "Firehose",
    "Logs": "CloudWatch Logs",
    "MSK": "Managed Kafka",
    "OpenSearchService": "OpenSearch",
    "RDS": "RDS",
    "Route53": "Route 53",
    "SecretsManager": "Secrets Manager",
    "Serverless": "Serverless (SAM)",
    "SSM": "Systems Manager",
    "StepFunctions": "Step Functions",
}


def service_of(resource_type: str) -> str:
    """AWS::EC2::Instance → EC2; what belongs to no service of AWS is called by its vendor."""
    parts = resource_type.split("::")
    if parts[0] == "Custom" or resource_type == "AWS::CloudFormation::CustomResource":
        return "Custom resources"
    if parts[0] == "AWS" and len(parts) > 2:
        return _NAMES.get(parts[1], parts[1])
    return "::".join(parts[:2]) or "?"
